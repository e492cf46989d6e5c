import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { REQUESTS } from '../session';
import { evaluate } from './inspection/evaluate';
import { readMemory } from './inspection/memory';
import { pause } from './running/execution';
import type { RequestHandler, RequestTable } from './request-table';
import { translate } from './xv6/page-tables';

/** The compiler is the test: each line that does not fit must be an error, or the directive above it is one. */
describe('a request handler', () => {
  it('fits its request', () => {
    const fitting: Partial<RequestTable> = { evaluate, readMemory, pause, 'xv6.translate': translate };
    assert.deepEqual(Object.keys(fitting), ['evaluate', 'readMemory', 'pause', 'xv6.translate']);
  });

  it('may not take the arguments of another', () => {
    // @ts-expect-error: it needs an expression, which readMemory does not have
    const readsMemory: RequestHandler<'readMemory'> = evaluate;
    // @ts-expect-error: the same among our own requests
    const showsThread: RequestHandler<'xv6.showThread'> = translate;
    // @ts-expect-error: a thread id is a number
    const pauses: RequestHandler<'pause'> = (_context, args: { threadId: string }) => void args;
    assert.ok([readsMemory, showsThread, pauses].every(Boolean));
  });

  it('may not return the body of another', () => {
    // @ts-expect-error: an evaluation has a result
    const evaluates: RequestHandler<'evaluate'> = () => ({ variablesReference: 0 });
    // @ts-expect-error: a pause has no body
    const pauses: RequestHandler<'pause'> = () => ({ allThreadsContinued: true });
    // @ts-expect-error: promised ones are judged as well
    const lists: RequestHandler<'threads'> = async (): Promise<DebugProtocol.ScopesResponse['body']> => ({
      scopes: [],
    });
    assert.ok([evaluates, pauses, lists].every(Boolean));
  });

  it('may not be missing, and belongs to a request that exists', () => {
    // @ts-expect-error: evaluate is missing
    const incomplete: RequestTable = { ...REQUESTS, evaluate: undefined };
    // @ts-expect-error: there is no such request
    const unknown: Partial<RequestTable> = { evaluated: evaluate };
    assert.ok(incomplete && unknown);
  });
});
