/** Stacks below a trap: after jumps to nowhere, and in vectors that are not the ones for the trap they have got. */
import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { names } from '../stacks';
import { KERNEL, lineOf, sessions } from '../support';

/** Below a write of init. */
const WRITING = [
  'sys_write',
  'syscall',
  'usertrap',
  '[system call: write]',
  'write',
  'flush',
  'format_all',
  'printf',
  'main',
  'start',
];

describe('the stack below a trap', function () {
  this.timeout(60_000);
  const session = sessions();

  const set = (expression: string): Promise<string> => session().value(expression, 'repl');
  /** Stands at the first instruction of filewrite, which sys_write has called. */
  async function atCall(): Promise<void> {
    await session().boot({ functions: ['filewrite'], filters: ['panic'] });
    await session().stopped();
    await session().setFunctionBreakpointsRequest({ breakpoints: [] });
    assert.deepEqual(await names(session()), ['filewrite', ...WRITING]);
  }

  for (const [what, target] of [
    ['a null function pointer', '0x0'],
    ['a user address', '0x3a'],
    ['an address of data', '&proc'],
    ['an address that no table has', '0x3000000000'],
  ] as const) {
    it(`of a call through ${what} goes on to the caller`, async () => {
      await atCall();
      const at = (await session().value(`(unsigned long)${target}`, 'hover')).split(' ')[0]!;
      const hex = `0x${BigInt(at).toString(16)}`;
      await set(`$pc = (unsigned long)${target}`);
      assert.equal((await session().goOn()).reason, 'exception');
      const below = [`[page fault: fetch ${hex}]`, hex, ...WRITING];
      assert.deepEqual(await names(session()), ['panic', 'kerneltrap', 'kernelvec', ...below]);
    });
  }

  it('is told by SPP where stvec still has the vector for user programs', async () => {
    await atCall();
    await session().setFunctionBreakpointsRequest({ breakpoints: [{ name: 'uservec' }] });
    await set('$stvec = 0x3ffffff000');
    await set('$pc = 0');
    await session().goOn();
    const below = ['[page fault: fetch 0x0]', '0x0', ...WRITING];
    for (let count = 0; count < 3; count++) {
      assert.deepEqual(await names(session()), ['uservec', ...below], `after ${count} instructions`);
      await session().step('stepIn', 1, 'instruction');
    }
  });

  it('is told by SPP in the handler for user programs', async () => {
    await session().boot({ functions: ['usertrap'], filters: ['panic'] });
    await session().stopped();
    await session().setFunctionBreakpointsRequest({ breakpoints: [] });
    await set('$sstatus = $sstatus | 0x100');
    await set('$sepc = (unsigned long)&fileread');
    assert.equal((await session().stack())[2]!.name, 'fileread');
  });

  it('is told by SPP in the vector for the kernel, which a program may have come to', async () => {
    await atCall();
    const value = async (name: string): Promise<string> =>
      (await session().value(`cpus[0].proc->trapframe->${name}`, 'hover')).split(' ')[0]!;
    const registers = ['sp', 'ra', 's0', 's1', 's2', 's3', 's4', 'a7'];
    const values = await Promise.all(registers.map(value));
    await set(`$sepc = ${await value('epc')}`);
    await set('$sstatus = $sstatus & ~0x100');
    for (const [index, register] of registers.entries()) await set(`$${register} = ${values[index]}`);
    await set('$pc = (unsigned long)&kernelvec');
    assert.deepEqual(await names(session()), ['kernelvec', ...WRITING.slice(3)]);
  });

  it('does not rest on the names of the vector and of its handler', async () => {
    const kernel = join(session().folder, 'kernel');
    const text = readFileSync(KERNEL).toString('latin1');
    const renamed = text.replaceAll('kernelvec', 'trapentry').replaceAll('kerneltrap', 'trapinkern');
    writeFileSync(kernel, Buffer.from(renamed, 'latin1'));
    await session().boot({ kernel, functions: ['filewrite'], filters: ['panic'] });
    await session().stopped();
    await set('$pc = 0');
    await session().setFunctionBreakpointsRequest({ breakpoints: [] });
    await session().goOn();
    const below = ['[page fault: fetch 0x0]', '0x0', ...WRITING.slice(0, 4)];
    const expected = ['panic', 'trapinkern', 'trapentry', ...below];
    // Beside this kernel there are no programs, so those have no names.
    assert.deepEqual((await names(session())).slice(0, expected.length), expected);
  });

  it('says no cause where only a later trap has one', async () => {
    const kernel = join(session().folder, 'kernel');
    const text = readFileSync(KERNEL).toString('latin1');
    // As if kerneltrap kept nothing of the trap in variables of its own.
    writeFileSync(
      kernel,
      Buffer.from(text.replace('\0sepc\0', '\0xxxx\0').replace('\0scause\0', '\0xxxxxx\0'), 'latin1'),
    );
    await session().boot({ kernel, filters: ['panic'] });
    await session().written('$ ');
    const atTimer = { name: 'clockintr', condition: '$sstatus & 0x100' };
    await session().setFunctionBreakpointsRequest({ breakpoints: [atTimer] });
    await session().stopped();
    await set('$pc = 0');
    assert.equal((await session().goOn()).reason, 'exception');
    const first = ['panic', 'kerneltrap', 'kernelvec', '[page fault: fetch 0x0]', '0x0', 'devintr'];
    const second = ['kerneltrap', 'kernelvec', '[trap in the kernel]', 'scheduler'];
    assert.deepEqual((await names(session())).slice(0, 10), [...first, ...second]);
  });

  it('ends at the function in which the kernel begins, whatever s0 holds', async () => {
    await session().boot({ functions: ['main'] });
    await session().stopped();
    const whole = await names(session());
    assert.equal(whole.at(-1), '_entry');
    // As if main kept no frame pointer, and the word below it were a return address.
    await set('*(unsigned long *)($sp + 1016) = *(unsigned long *)($s0 - 8)');
    await set('*(unsigned long *)($s0 - 16) = $sp + 1024');
    assert.deepEqual(await names(session()), whole);
  });

  it('of exec is the caller until the program is another, and from then on only where that goes on', async () => {
    const lines = [/namei\(path\);/, /trapframe->epc = entry;/, /trapframe->a1 = sp;/].map((line) =>
      lineOf('kernel/exec.c', line),
    );
    await session().boot({});
    await session().written('$ ');
    await session().setLines('kernel/exec.c', ...lines);
    await session().type('ls');
    const below = async (): Promise<string[]> => {
      await session().stopped();
      const all = await names(session());
      return all.slice(all.indexOf('usertrap') + 1);
    };
    const caller = await below();
    assert.deepEqual(caller.slice(0, 2), ['[system call: exec]', 'exec'], 'the stub that called');
    assert.ok(caller.includes('main'), caller.join(', '));
    await session().continueRequest({ threadId: 1 });
    assert.deepEqual(await below(), ['[system call: exec]'], 'its memory has been freed');
    await session().continueRequest({ threadId: 1 });
    assert.deepEqual(await below(), ['[system call: exec]', '[return to user mode]', 'start']);
  });
});
