import { strict as assert } from 'node:assert';
import { mkdirSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { KERNEL, sessions, source } from './support';

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
      // The shell may not have come to its read yet.
      assert.match(names(await session().stack(threadId)).join(' '), /scheduler main _entry$|main start$/);
  });

  it('finds sources by the source map, and names those that are nowhere', async () => {
    const elsewhere = join(session().folder, 'elsewhere');
    mkdirSync(join(elsewhere, 'kernel'), { recursive: true });
    copyFileSync(source('kernel/vm.c'), join(elsewhere, 'kernel', 'vm.c'));
    copyFileSync(KERNEL, join(session().folder, 'kernel.elf'));
    await session().boot({
      kernel: join(session().folder, 'kernel.elf'),
      cwd: session().folder,
      sourceMap: { '/sample': elsewhere },
      functions: ['mappages'],
    });
    await session().stopped();
    const stack = await session().stack();
    assert.equal(stack[0]!.source?.path, join(elsewhere, 'kernel', 'vm.c'));
    const main = stack.find(({ name }) => name === 'main')!;
    assert.equal(main.source?.name, 'main.c');
    assert.equal(main.source?.presentationHint, 'deemphasize');
  });

  it('lists the sources of the kernel', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const { body } = (await session().customRequest('loadedSources')) as DebugProtocol.LoadedSourcesResponse;
    assert.ok(body.sources.some(({ path }) => path === source('kernel/trap.c')));
    assert.ok(body.sources.some(({ path }) => path === source('kernel/trampoline.S')));
  });
});
