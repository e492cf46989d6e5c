import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { CAPABILITIES } from '../../../debug-adapter/requests/lifecycle/initialize';
import { REQUESTS } from '../../../debug-adapter/session';
import { TestSession } from '../support';

/** The requests that each capability promises; capabilities that promise no request are omitted. */
const PROMISED: Partial<Record<keyof DebugProtocol.Capabilities, string[]>> = {
  supportsConfigurationDoneRequest: ['configurationDone'],
  supportsFunctionBreakpoints: ['setFunctionBreakpoints'],
  supportsConditionalBreakpoints: ['setBreakpoints'],
  supportsHitConditionalBreakpoints: ['setBreakpoints'],
  supportsLogPoints: ['setBreakpoints'],
  supportsEvaluateForHovers: ['evaluate'],
  supportsStepBack: ['stepBack', 'reverseContinue'],
  supportsSetVariable: ['setVariable'],
  supportsRestartFrame: ['restartFrame'],
  supportsGotoTargetsRequest: ['gotoTargets', 'goto'],
  supportsStepInTargetsRequest: ['stepInTargets', 'stepIn'],
  supportsCompletionsRequest: ['completions'],
  supportsModulesRequest: ['modules'],
  supportsRestartRequest: ['restart'],
  supportsValueFormattingOptions: ['evaluate', 'variables', 'setVariable', 'setExpression', 'stackTrace'],
  supportsExceptionInfoRequest: ['exceptionInfo'],
  supportsDelayedStackTraceLoading: ['stackTrace'],
  supportsLoadedSourcesRequest: ['loadedSources', 'source'],
  supportsTerminateThreadsRequest: ['terminateThreads'],
  supportsSetExpression: ['setExpression'],
  supportsTerminateRequest: ['terminate'],
  supportsDataBreakpoints: ['dataBreakpointInfo', 'setDataBreakpoints'],
  supportsDataBreakpointBytes: ['dataBreakpointInfo'],
  supportsReadMemoryRequest: ['readMemory'],
  supportsWriteMemoryRequest: ['writeMemory'],
  supportsDisassembleRequest: ['disassemble'],
  supportsCancelRequest: ['cancel'],
  supportsBreakpointLocationsRequest: ['breakpointLocations'],
  supportsClipboardContext: ['evaluate'],
  supportsSteppingGranularity: ['next', 'stepIn', 'stepOut'],
  supportsInstructionBreakpoints: ['setInstructionBreakpoints'],
  supportsExceptionOptions: ['setExceptionBreakpoints'],
  supportsExceptionFilterOptions: ['setExceptionBreakpoints'],
};

describe('initialize', function () {
  this.timeout(60_000);

  it('declares nothing that the session does not answer', () => {
    for (const [capability, value] of Object.entries(CAPABILITIES)) {
      if (value !== true) continue;
      const requests = PROMISED[capability as keyof DebugProtocol.Capabilities];
      assert.ok(requests, `${capability} is declared: say here which requests it promises`);
      for (const request of requests) assert.ok(Object.hasOwn(REQUESTS, request), `${capability} needs ${request}`);
    }
  });

  it('declares what every request of the session needs to be asked', () => {
    for (const [capability, requests] of Object.entries(PROMISED)) {
      if (requests.every((request) => Object.hasOwn(REQUESTS, request)))
        assert.equal(CAPABILITIES[capability as keyof DebugProtocol.Capabilities], true, capability);
    }
  });

  it('answers a client with it, before anything runs', async () => {
    const session = new TestSession();
    await session.start();
    try {
      const { body } = await session.initializeRequest({
        adapterID: 'xv6',
        linesStartAt1: true,
        columnsStartAt1: true,
        pathFormat: 'path',
      });
      assert.deepEqual(body, JSON.parse(JSON.stringify(CAPABILITIES)));
      for (const filter of body?.exceptionBreakpointFilters ?? [])
        assert.ok(filter.supportsCondition && filter.label && filter.description, filter.filter);
      await assert.rejects(session.threadsRequest().then(({ body: { threads } }) => assert.ok(threads.length > 0)));
      await assert.rejects(session.evaluateRequest({ expression: '1' }), /No kernel has been launched/);
      await assert.rejects(session.customRequest('attach', {}), /does not know the request/);
    } finally {
      await session.stop();
    }
  });

  it('leaves out of its answers what the client does not understand', async () => {
    const session = new TestSession();
    await session.start();
    try {
      await session.initializeRequest({ adapterID: 'xv6', linesStartAt1: true, columnsStartAt1: true });
      let events = 0;
      session.on('progressStart', () => events++);
      await session.boot({ functions: ['kvminit'] });
      await session.stopped();
      const { body } = await session.evaluateRequest({ expression: 'kernel_pagetable', context: 'watch' });
      assert.equal(body.type, undefined);
      session.on('memory', () => events++);
      session.on('invalidated', () => events++);
      await session.evaluateRequest({ expression: 'ticks = 3', context: 'repl' });
      assert.equal(await session.value('ticks'), '3');
      assert.equal(events, 0);
    } finally {
      await session.stop();
    }
  });
});
