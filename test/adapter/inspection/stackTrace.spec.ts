import { strict as assert } from 'node:assert';
import { mkdirSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { shellAsleep } from '../stacks';
import { kernelFromElsewhere, lineOf, sessions, source } from '../support';

/** Names of functions, innermost first. */
const names = (stack: readonly DebugProtocol.StackFrame[]): string[] => stack.map(({ name }) => name);

describe('stackTrace', function () {
  this.timeout(60_000);
  const session = sessions();

  it('goes from a function of the kernel to where it began', async () => {
    await session().boot({ functions: ['mappages'] });
    await session().stopped();
    const stack = await session().stack();
    assert.deepEqual(names(stack).slice(0, 5), ['mappages', 'kvmmap', 'kvmmake', 'kvminit', 'main']);
    assert.equal(stack[0]!.source?.path, source('kernel/vm.c'));
    assert.ok(stack.every(({ instructionPointerReference }) => /^0x8/.test(instructionPointerReference ?? '')));
  });

  it('goes on from the kernel to the main of the user program', async () => {
    await session().boot({ functions: ['filewrite'] });
    await session().stopped();
    const stack = await session().stack();
    assert.deepEqual(names(stack), [
      ...['filewrite', 'sys_write', 'syscall', 'usertrap', '[system call: write]'],
      ...['write', 'flush', 'format_all', 'printf', 'main', 'start'],
    ]);
    assert.equal(stack[4]!.presentationHint, 'label');
  });

  it('goes on through an interrupt of the kernel to the code that it interrupted', async () => {
    await session().boot();
    await session().written('$ ');
    await shellAsleep(session());
    await session().setFunctionBreakpointsRequest({ breakpoints: [{ name: 'kerneltrap' }] });
    await session().stopped();
    const stack = await session().stack();
    const found = names(stack);
    assert.equal(found[0], 'kerneltrap');
    assert.equal(found[1], 'kernelvec');
    assert.ok(found.includes('scheduler'), found.join(' '));
    assert.equal(found.at(-1), '_entry', found.join(' '));
    assert.equal(found[2], '[timer interrupt]');
    const interrupted = stack[3]!;
    assert.ok(interrupted.line > 0);
    assert.equal(
      BigInt(interrupted.instructionPointerReference!),
      BigInt(await session().value('(uint64)$sepc')),
      'the interrupted code goes on at sepc',
    );
  });

  it('unwinds from every instruction of a function, of its callee, and of an assembly function', async () => {
    await session().boot({ functions: ['kvminit'] });
    await session().stopped();
    for (let step = 0; step < 40; step++) {
      await session().step('stepIn', 1, 'instruction');
      const found = names(await session().stack());
      assert.ok(found.includes('main') && found.includes('_entry'), `after ${step + 1} steps: ${found.join(' ')}`);
    }
  });

  it('answers in parts', async () => {
    await session().boot({ functions: ['mappages'] });
    await session().stopped();
    const whole = await session().stack();
    const { body } = await session().stackTraceRequest({ threadId: 1, startFrame: 1, levels: 2 });
    assert.equal(body.totalFrames, whole.length);
    assert.deepEqual(names(body.stackFrames), names(whole).slice(1, 3));
  });

  it('shows other harts', async () => {
    await session().boot({ harts: 3 });
    await session().written('$ ');
    await session().pauseRequest({ threadId: 1 });
    await session().stopped();
    for (const threadId of [1, 2, 3])
      // The shell may not have reached its read yet.
      assert.match(names(await session().stack(threadId)).join(' '), /scheduler main _entry$|main start$/);
  });

  it('finds sources by the source map, and names those that are nowhere', async () => {
    const elsewhere = join(session().folder, 'elsewhere');
    mkdirSync(join(elsewhere, 'kernel'), { recursive: true });
    copyFileSync(source('kernel/vm.c'), join(elsewhere, 'kernel', 'vm.c'));
    await session().boot({
      kernel: kernelFromElsewhere(session().folder),
      cwd: session().folder,
      sourceMap: { '/absent': elsewhere },
      functions: ['mappages'],
    });
    await session().stopped();
    const stack = await session().stack();
    assert.equal(stack[0]!.source?.path, join(elsewhere, 'kernel', 'vm.c'));
    const main = stack.find(({ name }) => name === 'main')!;
    assert.equal(main.source?.name, 'main.c');
    assert.equal(main.source?.presentationHint, 'deemphasize');
  });

  it('names frames as they are asked for: with parameters, module and line', async () => {
    await session().boot({ functions: ['filewrite'] });
    await session().stopped();
    const named = async (format: DebugProtocol.StackFrameFormat): Promise<string[]> =>
      names((await session().stackTraceRequest({ threadId: 1, format })).body.stackFrames);
    assert.match(
      (await named({ parameters: true }))[0]!,
      /^filewrite\(f=0x8[0-9a-f]{7} <ftable\+\d+>, addr=\d+, n=\d+\)$/,
    );
    assert.match((await named({ parameters: true, hex: true }))[0]!, /, addr=0x[0-9a-f]+, n=0x[0-9a-f]+\)$/);
    assert.equal(
      (await named({ parameters: true, parameterTypes: true, parameterNames: true }))[0],
      'filewrite(struct file * f, uint64 addr, int n)',
    );
    const whole = await named({ module: true, line: true });
    assert.match(whole[1]!, /^kernel!sys_write Line \d+$/);
    assert.equal(whole[4], '[system call: write]');
    assert.match(whole.at(-1)!, /^_init!start Line \d+$/);
    const { stackFrames } = (await session().stackTraceRequest({ threadId: 1 })).body;
    assert.deepEqual(
      stackFrames.map(({ moduleId }) => moduleId),
      [...Array<string>(4).fill('kernel'), undefined, ...Array<string>(6).fill('user:init')],
    );
  });

  it('shows inlined functions as frames of their own', async () => {
    await session().boot({
      lines: [{ file: 'kernel/trap.c', lines: [lineOf('kernel/trap.c', /^ {2}setkilled\(p\);/)] }],
    });
    await session().written('$ ');
    await session().type('pagefault null');
    await session().stopped();
    const stack = await session().stack();
    assert.deepEqual(names(stack).slice(0, 4), ['fault', 'usertrap', '[page fault: store 0x0]', 'null_pointer']);
    assert.equal(stack[1]!.line, lineOf('kernel/trap.c', /^ {4}fault\(p, scause\);/));
    assert.equal(await session().value('p->name', 'watch', stack[1]!.id), '"pagefault"');
  });

  describe('of a parked process', () => {
    beforeEach(async () => {
      await session().boot({ harts: 2 });
      await session().written('$ ');
      await shellAsleep(session());
      await session().pauseRequest({ threadId: 1 });
      await session().stopped();
    });

    /** The frames of the shell, which waits in read. */
    const shell = async (): Promise<DebugProtocol.StackFrame[]> => {
      const { threads } = (await session().threadsRequest()).body;
      return session().stack(threads.find(({ name }) => name.startsWith('pid 2 sh: '))!.id);
    };
    const inFrame = async (name: string, expression: string): Promise<string> => {
      const frame = (await shell()).find((one) => one.name === name)!;
      return session().value(expression, 'watch', frame.id);
    };

    it('has values in the kernel and in the program, each in its own address space', async () => {
      assert.equal(await inFrame('sleep', 'p->pid'), '2');
      assert.equal(await inFrame('consoleread', 'got'), '0');
      assert.equal(await inFrame('readline', 'max'), '256');
      assert.match(await inFrame('readline', 'buf'), /^0x[0-9a-f]{1,5} <line/);
      assert.equal(await inFrame('readline', '$pid'), '2');
      assert.equal(await inFrame('sched', '$pid'), '2');
    });

    it('knows the registers that swtch has saved, and no others', async () => {
      assert.equal(await inFrame('sched', '(uint64)$sp == proc[1].context.sp'), '1');
      assert.equal(await inFrame('sched', '$s3 == proc[1].context.s3'), '1');
      for (const name of ['$t0', '$a0', '$tp']) assert.equal(await inFrame('sched', name), '<optimized out>');
      assert.equal(await inFrame('read', '$a0'), '0x0');
      assert.equal(await inFrame('read', '(uint64)$pc == proc[1].trapframe->epc'), '1');
      await assert.rejects(inFrame('sched', '$satp'), /no hart runs this process now, so there is no \$satp/);
    });

    it('writes its registers to where they are kept', async () => {
      const set = async (name: string, expression: string): Promise<unknown> => {
        const frame = (await shell()).find((one) => one.name === name)!;
        return session().evaluateRequest({ expression, context: 'repl', frameId: frame.id });
      };
      await set('read', '$a5 = 4711');
      assert.equal(await inFrame('sched', 'proc[1].trapframe->a5'), '4711');
      await set('sched', '$s11 = 815');
      assert.equal(await inFrame('sched', 'proc[1].context.s11'), '815');
      await assert.rejects(set('sched', '$t0 = 1'), /cannot be set in this frame/);
      await assert.rejects(set('read', '$pc = 0'), /cannot be set in this frame/);
    });
  });
});
