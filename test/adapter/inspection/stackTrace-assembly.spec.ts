/**
 * The stack at every instruction of the kernel's assembly: uservec, userret, swtch and kernelvec save and load the very
 * registers that unwinding depends on. On the sample, and on a real xv6 if XV6_DIR names a built tree.
 */
import { strict as assert } from 'node:assert';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { labAt } from '../../guests/lab';
import { shellAsleep } from '../stacks';
import { TestSession } from '../support';

const FOLDER = process.env.XV6_DIR;
const RETURN = '[return to user mode]';
/** More instructions than any of these functions has. */
const MOST = 400;

function suite(title: string, boot: (session: TestSession) => Promise<void>): void {
  describe(title, function () {
    this.timeout(120_000);
    let session: TestSession;
    before(async () => {
      session = await TestSession.open();
      session.defaultTimeout = 60_000;
      await boot(session);
      await session.written('$ ');
      await shellAsleep(session);
      // The programs of a command run through all of this code.
      await stopAt('userret');
    });
    after(() => session.stop());

    const stack = async (): Promise<DebugProtocol.StackFrame[]> => session.stack(1);
    const names = async (): Promise<string[]> => (await stack()).map(({ name }) => name);
    const step = async (): Promise<string[]> => {
      await session.step('stepIn', 1, 'instruction');
      return names();
    };
    let standing = false;
    async function stopAt(name: string): Promise<void> {
      if (standing) await session.continueRequest({ threadId: 1 });
      await session.setFunctionBreakpointsRequest({ breakpoints: [{ name }] });
      await session.type('echo hello');
      await session.stopped();
      standing = true;
      await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    }
    /** Steps as long as the innermost function satisfies `while_`, and compares each stack with `expected`. */
    const through = async (
      inside: (name: string) => boolean,
      expected: (stack: string[], at: DebugProtocol.StackFrame) => void,
    ): Promise<number> => {
      for (let steps = 0; steps < MOST; steps++) {
        const frames = await stack();
        if (!inside(frames[0]!.name)) return steps;
        expected(
          frames.map(({ name }) => name),
          frames[0]!,
        );
        await step();
      }
      return assert.fail(`still in ${(await names()).join(' < ')}`);
    };

    it('userret: the program that it returns to is below from the first to sret', async () => {
      assert.equal((await names())[0], 'userret');
      const seen = new Set<string>();
      const steps = await through(
        (name) => name === 'userret',
        (found) => seen.add(found.join(' < ')),
      );
      assert.ok(steps > 30, `${steps} steps`);
      assert.deepEqual([...seen], [['userret', RETURN, ...(await names())].join(' < ')]);
      assert.match((await names()).at(-1)!, /^(_?main|start)$/);
    });

    it('uservec and the handler: the program that trapped is below, whatever has been saved of it', async () => {
      await session.setExceptionBreakpointsRequest({ filters: ['system-call'] });
      await session.continueRequest({ threadId: 1 });
      await session.stopped();
      await session.setExceptionBreakpointsRequest({ filters: [] });
      const user = await names();
      const call = `[system call: ${user[0]}]`;
      const registers = await session.value('$sp');
      await step();
      const steps = await through(
        (name) => name === 'uservec',
        (found) => assert.deepEqual(found, ['uservec', call, ...user]),
      );
      assert.ok(steps > 35, `${steps} steps`);
      // Far enough into the handler that it has saved sepc.
      for (let count = 0; count < 60; count++) {
        const frames = await stack();
        const found = frames.map(({ name }) => name);
        const handler = found.indexOf('usertrap');
        assert.ok(handler >= 0, found.join(' < '));
        assert.deepEqual(found.slice(handler + 1), [call, ...user], `after ${count} instructions`);
        const below = frames.find(({ name }) => name === user[0])!;
        assert.equal(await session.value('$sp', 'watch', below.id), registers);
        await step();
      }
    });

    it('swtch: one stack until sp is loaded, then the other, each whole', async () => {
      await stopAt('swtch');
      const [, ...before] = await names();
      const seen: string[] = [];
      const steps = await through(
        (name) => name === 'swtch',
        (found) => {
          if (seen.at(-1) !== found.join(' < ')) seen.push(found.join(' < '));
        },
      );
      assert.ok(steps > 25, `${steps} steps`);
      const after = await names();
      assert.deepEqual(seen, [['swtch', ...before].join(' < '), ['swtch', ...after].join(' < ')]);
      assert.ok(before.includes('scheduler') !== after.includes('scheduler'));
    });

    it('kernelvec: what was interrupted is below, before, in and after the handler', async () => {
      await session.setExceptionBreakpointsRequest({ filters: [] });
      await stopAt('kernelvec');
      const [, label, ...interrupted] = await names();
      assert.match(label!, /^\[(timer|external) interrupt\b.*\]$/);
      const steps = await through(
        (name) => name === 'kernelvec',
        (found) => assert.deepEqual(found, ['kernelvec', label, ...interrupted]),
      );
      assert.ok(steps > 16, `${steps} steps`);
      for (let count = 0; count < 40; count++) {
        const found = await names();
        const vector = found.indexOf('kernelvec');
        assert.equal(found[vector - 1], 'kerneltrap');
        assert.equal(found[vector + 1]!.replace(/:.*/, ']'), label!.replace(/:.*/, ']'));
        assert.deepEqual(found.slice(vector + 2), interrupted, `after ${count} instructions`);
        await step();
      }
      while ((await names())[0] !== 'kerneltrap') await session.step('stepOut');
      await session.step('stepOut');
      const back = await through(
        (name) => name === 'kernelvec',
        (found) => assert.deepEqual([found[0], ...found.slice(2)], ['kernelvec', ...interrupted]),
      );
      assert.ok(back > 16, `${back} steps`);
      assert.deepEqual(await names(), interrupted);
    });
  });
}

suite('the stack in the assembly of the sample', (session) => session.boot());

if (FOLDER === undefined || !existsSync(join(FOLDER, 'kernel', 'kernel'))) {
  describe('the stack in the assembly of a real xv6', () => {
    it('is whole (skipped: XV6_DIR names no built tree)', function () {
      this.skip();
    });
  });
} else {
  suite('the stack in the assembly of a real xv6', async (session) => {
    const lab = labAt(FOLDER);
    copyFileSync(lab.image, session.disk);
    const initialized = session.waitForEvent('initialized');
    await session.launchRequest({
      kernel: lab.kernel,
      disk: session.disk,
      cwd: FOLDER,
      harts: 1,
      memory: `${lab.memory >> 20}M`,
      legacyVirtio: lab.legacyVirtio,
    } as DebugProtocol.LaunchRequestArguments);
    await initialized;
    await session.configurationDoneRequest();
  });
}
