import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { REQUESTS } from '../session';
import { ARGUMENTS } from './arguments';
import { listOf, object, oneOf, optional, type Shape, text, whole } from './shape';

const ask = (command: keyof typeof ARGUMENTS, value: unknown): string | undefined => {
  const shape: Shape<unknown> = ARGUMENTS[command];
  try {
    shape.check(value, '');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

describe('the arguments of a request', () => {
  it('are known for every request', () => {
    assert.deepEqual(Object.keys(ARGUMENTS).sort(), Object.keys(REQUESTS).sort());
  });

  it('may be what the protocol says, and have more than that', () => {
    for (const [command, value] of [
      [
        'setBreakpoints',
        { source: { path: '/a.c', checksums: [], adapterData: { x: 1 } }, breakpoints: [{ line: 3 }] },
      ],
      ['setBreakpoints', { source: { name: 'a.c' }, lines: [1, 2], sourceModified: true }],
      ['setExceptionBreakpoints', { filters: ['panic'], filterOptions: [{ filterId: 'satp-write', condition: '1' }] }],
      ['evaluate', { expression: '1', context: 'something new', unknown: {} }],
      ['next', { threadId: 1, granularity: 'instruction' }],
      ['configurationDone', {}],
      ['launch', { kernel: 3 }],
    ] as const)
      assert.equal(ask(command, value), undefined, command);
  });

  it('may have null for what is left out', () => {
    const args: Record<string, unknown> = { expression: '1', frameId: null, format: null };
    assert.equal(ask('evaluate', args), undefined);
    assert.deepEqual(args, { expression: '1' });
    assert.match(ask('evaluate', { expression: null })!, /"expression" is null; it must be a string/);
  });

  for (const [command, value, message] of [
    ['setBreakpoints', { source: {}, breakpoints: { map: 1 } }, '"breakpoints" is {"map":1}; it must be a list.'],
    ['setBreakpoints', { breakpoints: [] }, '"source" is missing; it must be an object.'],
    [
      'setBreakpoints',
      { source: {}, breakpoints: [{ line: 1 }, { line: '2' }] },
      '"breakpoints[1].line" is "2"; it must be a whole number.',
    ],
    ['setFunctionBreakpoints', {}, '"breakpoints" is missing; it must be a list.'],
    ['setDataBreakpoints', { breakpoints: [null] }, '"breakpoints[0]" is null; it must be an object.'],
    ['evaluate', { expression: '1', format: { hex: 1 } }, '"format.hex" is 1; it must be true or false.'],
    [
      'next',
      { threadId: 1, granularity: 'word' },
      '"granularity" is "word"; it must be one of "statement", "line", "instruction".',
    ],
    ['readMemory', { memoryReference: '0', count: 1.5 }, '"count" is 1.5; it must be a whole number.'],
    ['xv6.consoleInput', { text: ['x'] }, '"text" is ["x"]; it must be a string.'],
    ['threads', 'x', '"arguments" is "x"; it must be an object.'],
    ['pause', [], '"arguments" is []; it must be an object.'],
  ] as const)
    it(`of ${command} that are wrong are named: ${message}`, () => assert.equal(ask(command, value), message));

  it('are shown only in part if they are long', () => {
    const message = ask('evaluate', { expression: ['x'.repeat(1_000_000)] })!;
    assert.ok(message.length < 200 && message.includes('…'), message.slice(0, 300));
  });

  it('are refused in our words, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(ARGUMENTS) as (keyof typeof ARGUMENTS)[])),
        fc.jsonValue(),
        (name, value) => {
          const message = ask(name, value);
          if (message !== undefined) assert.match(message, /^"[^"]+" is .*; it must be .*\.$/s);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

/** The compiler is the test. */
describe('a shape', () => {
  it('names every field of its type, with its type, and says whether it is optional', () => {
    interface Pair {
      a: number;
      b?: string;
    }
    assert.ok(object<Pair>({ a: whole, b: optional(text) }));
    // @ts-expect-error: b is missing
    assert.ok(object<Pair>({ a: whole }));
    // @ts-expect-error: a is a number
    assert.ok(object<Pair>({ a: text, b: optional(text) }));
    // @ts-expect-error: b is optional
    assert.ok(object<Pair>({ a: whole, b: text }));
    // @ts-expect-error: a is not
    assert.ok(object<Pair>({ a: optional(whole), b: optional(text) }));
    // @ts-expect-error: lists have elements of a type
    assert.ok(object<{ a: string[] }>({ a: listOf(whole) }));
    // @ts-expect-error: "c" is not among them
    assert.ok(object<{ a: 'a' | 'b' }>({ a: oneOf('a', 'c') }));
  });
});
