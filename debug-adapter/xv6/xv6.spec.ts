import assert from 'node:assert/strict';
import { X } from '../../emulator/isa/registers';
import { Mode } from '../../emulator/types';
import { findMember, INT, pointerTo, VOID } from '../expressions/types';
import { arrayOf, struct, TestProgram } from '../testing/program';
import { locksHeldBy, processIdOn, processOn } from './cpus';
import { kernelRoot } from './tables';
import { openXv6, type Xv6 } from './kernel';
import { panicMessage, readString } from './panic';
import { allProcesses, endOfProcess, parkedRegisters, processes, trapFrameRegisters, type Process } from './processes';
import { BOOT_STACKS, CPUS, guestKernel, PROC, type Options } from '../testing/xv6-kernel';

const open = (options?: Options) => {
  const { program, ...rest } = guestKernel(options);
  return { xv6: openXv6(program, program.read), program, ...rest };
};

/** A hart in the kernel, with a stack pointer. */
const hart = (id: number, sp = 0n) => ({
  id,
  mode: Mode.Supervisor,
  x: (register: number) => (register === X.sp ? sp : 0n),
});

describe('the guest kernel', () => {
  it('is known by its types, wherever their members stand', () => {
    const { xv6 } = open();
    assert.deepEqual(
      xv6.features.filter(({ available }) => !available),
      [
        { name: 'trampoline', available: false, why: 'there is no symbol trampoline' },
        {
          name: 'user traps',
          available: false,
          why: 'there is no symbol uservec, so stacks end at the way from a user program into the kernel',
        },
      ],
    );
    const [init, sh] = processes(xv6) as [Process, Process];
    assert.deepEqual(
      [init.pid, init.name, init.state, init.size, init.kstack, init.parentPid, init.channel],
      [1, 'init', 'SLEEPING', 0x3000n, 0x3fffffd000n, undefined, PROC],
    );
    assert.deepEqual(
      [sh.slot, sh.pid, sh.name, sh.state, sh.pagetable, sh.parentPid, sh.kernelTables],
      [2, 3, 'sh', 'RUNNING', 0x87f70000n, 1, []],
    );
    assert.equal(allProcesses(xv6).length, 8);
    assert.equal(kernelRoot(xv6), 0x87fff000n);
    assert.equal(xv6.panic, 0x80000500n);
  });

  it('says what is missing, and does the rest', () => {
    const bare = openXv6(new TestProgram(), () => undefined);
    assert.ok(bare.features.every(({ available, why }) => !available && why));
    assert.deepEqual(processes(bare), []);
    assert.equal(processOn(bare, hart(0), []), undefined);

    const { xv6 } = open({ without: ['pid'] });
    const off = xv6.features.find(({ name }) => name === 'processes')!;
    assert.deepEqual([off.available, off.why], [false, 'struct proc has no member pid']);
    assert.equal(kernelRoot(xv6), 0x87fff000n);

    const unreadable = openXv6(open().program, () => undefined);
    assert.deepEqual(processes(unreadable), []);
    assert.equal(kernelRoot(unreadable), undefined);
  });

  it('knows which process a hart runs', () => {
    const { xv6 } = open();
    const all = allProcesses(xv6);
    assert.equal(processOn(xv6, hart(1), all)?.pid, 3);
    assert.equal(processOn(xv6, hart(0), all), undefined);
    assert.equal(processOn(xv6, hart(99), all), undefined);
    assert.deepEqual(processIdOn(xv6, hart(1)), { address: all[2]!.address, pid: 3 });
    assert.equal(processIdOn(xv6, hart(0)), undefined);
  });

  it('takes a hart on the stack that it began with for the scheduler, whatever cpus says', () => {
    const { xv6 } = open();
    const bottom = hart(1, BOOT_STACKS.start);
    const top = hart(1, BOOT_STACKS.end);
    assert.equal(processOn(xv6, top), undefined);
    assert.equal(processIdOn(xv6, top), undefined);
    // Another stack ends where this one begins.
    assert.equal(processOn(xv6, bottom)?.pid, 3);
    // A user program may have any address in sp.
    assert.equal(processOn(xv6, { ...top, mode: Mode.User })?.pid, 3);
  });

  it('knows whether a process has ended: another has its place, or none; or it has exited', () => {
    const { xv6, set } = open();
    const { address } = processes(xv6)[1]!;
    const sh = { address, pid: 3 };
    assert.equal(endOfProcess(xv6, sh), undefined);
    set(2, { state: 2n });
    assert.equal(endOfProcess(xv6, sh), undefined, 'it sleeps');
    set(2, { state: 5n });
    assert.equal(endOfProcess(xv6, sh), 'pid 3 sh has exited');
    set(2, { state: 4n, pid: 4n });
    assert.equal(endOfProcess(xv6, sh), 'pid 3 has ended');
    set(2, { state: 0n, pid: 0n });
    assert.equal(endOfProcess(xv6, sh), 'pid 3 has ended');
  });

  it('says which features rest on symbols that a kernel lacks', () => {
    const bare = openXv6(new TestProgram(), () => undefined);
    const stacks = (xv6: Xv6) => xv6.features.find(({ name }) => name === 'scheduler stacks')!;
    assert.match(stacks(bare).why!, /^there is no symbol stack0, so a hart in the scheduler may seem to run a process/);
    assert.deepEqual(stacks(open().xv6), { name: 'scheduler stacks', available: true });
  });

  it("reads a process's registers from trap frame and context, under every name they have had", () => {
    for (const trapframe of ['trapframe', 'tf', 'frame']) {
      const { xv6 } = open({ trapframe });
      const [init, sh] = processes(xv6) as [Process, Process];
      const user = trapFrameRegisters(xv6, sh)!;
      assert.deepEqual([user.pc, user.x[2], user.x[0]], [0x1000n, 0x3fe0n, 0n]);
      assert.equal(trapFrameRegisters(xv6, init), undefined);
      const parked = parkedRegisters(xv6, init)!;
      assert.deepEqual([parked.pc, parked.x[2], parked.x[10]], [0x80001234n, 0x3fffffdf80n, undefined]);
    }
    const { xv6 } = open({ without: ['context', 'trapframe'] });
    assert.equal(parkedRegisters(xv6, processes(xv6)[0]!), undefined);
    assert.equal(trapFrameRegisters(xv6, processes(xv6)[1]!), undefined);
  });
});

describe('the message of a panic', () => {
  const program = new TestProgram();
  program.poke(0x80001000n, 'freewalk: leaf');
  program.poke(0x80001100n, 'pid %d at %p, %s %x%% %lu%c %d\n');
  program.poke(0x80001200n, 'why');

  it('is its first argument, with what it formats', () => {
    assert.equal(
      panicMessage(() => 0x80001000n, program.read),
      'freewalk: leaf',
    );
    const given = [0x80001100n, 0xffffffffn, 0x4000n, 0x80001200n, 255n, 1n << 40n, 33n, 7n];
    assert.equal(
      panicMessage((i) => given[i]!, program.read),
      'pid -1 at 0x0000000000004000, why ff% 1099511627776! 7',
    );
    assert.equal(
      panicMessage(() => 4n, program.read),
      undefined,
    );
  });

  it('ends where memory does', () => {
    const end = 0x80000000n + BigInt(program.bytes.length);
    program.poke(end - 4n, 0x44434241n, 4);
    assert.equal(readString(program.read, end - 4n), 'ABCD');
  });
});

describe('the locks that a hart holds', () => {
  const lock = struct('spinlock', { name: pointerTo(VOID), locked: INT, cpu: pointerTo(VOID) });
  const buffer = struct('buf', { valid: INT, lock });
  const cache = struct('cache', { buf: arrayOf(buffer, 3) });
  const { xv6, program } = open();
  const [CACHE, TICKS] = [0x8001f000n, 0x8001f800n];
  program.addGlobal('cache', cache, CACHE);
  program.addGlobal('tickslock', lock, TICKS);
  const offset = (type: typeof lock, member: string): bigint => BigInt(findMember(type, member)!.offset);
  const second = CACHE + BigInt(buffer.size) + offset(buffer, 'lock');
  const take = (at: bigint, locked: bigint, cpu: bigint): void => {
    program.poke(at + offset(lock, 'locked'), locked, 4);
    program.poke(at + offset(lock, 'cpu'), cpu);
  };
  const stride = BigInt(xv6.cpus!.stride);
  const owner = (at: bigint): bigint => at + offset(lock, 'cpu');

  it('are those that name it, wherever they lie', () => {
    take(TICKS, 1n, CPUS + stride);
    take(second, 1n, CPUS + stride);
    assert.deepEqual(locksHeldBy(xv6, 1), [owner(second), owner(TICKS)]);
    assert.deepEqual(locksHeldBy(xv6, 0), []);
    assert.deepEqual(locksHeldBy(xv6, 100), [], 'no such hart');
  });

  it('are none that are not locked, whoever held them last', () => {
    take(TICKS, 0n, CPUS + stride);
    take(second, 1n, CPUS);
    assert.deepEqual(locksHeldBy(xv6, 1), []);
    assert.deepEqual(locksHeldBy(xv6, 0), [owner(second)]);
  });

  it('are not looked for in what is larger than any kernel’s', () => {
    program.addGlobal('vast', arrayOf(lock, 2 ** 33), 0x8001f900n);
    program.addGlobal('vast_without', arrayOf(struct('other', { value: INT }), 2 ** 33), 0x8001f900n);
    assert.deepEqual(locksHeldBy(xv6, 0), [owner(second)]);
  });
});
