import { INTERRUPT_FLAG } from '../../emulator/isa/causes';
import { strict as assert } from 'node:assert';
import { kernelTrapLabel, trapOf, userTrapLabel, type TrapLabelContext } from './trap-label';
import { TrapLog } from './trap-log';
import type { TrapEvent } from '../../emulator/types';

const around = (functions: string[], more: Partial<TrapLabelContext> = {}): TrapLabelContext => ({
  functions,
  systemCall: () => 'read',
  relaysTimer: false,
  ...more,
});

describe('the label of a trap from a user program', () => {
  const label = (
    cause: bigint | undefined,
    functions: string[],
    tval?: bigint,
    more?: Partial<TrapLabelContext>,
  ): string =>
    userTrapLabel(cause === undefined ? undefined : trapOf(cause, tval), around(functions, more), 'usertrap');

  it('names the system call that is served, else the one asked for', () => {
    assert.equal(label(undefined, ['sched', 'sys_write', 'syscall', 'usertrap']), '[system call: write]');
    assert.equal(label(undefined, ['syscall', 'usertrap']), '[system call: read]');
    assert.equal(label(8n, ['usertrap']), '[system call: read]');
  });

  it('says what a fault was about, as far as it is known', () => {
    assert.equal(label(13n, ['usertrap'], 0x4008n), '[page fault: load 0x4008]');
    assert.equal(label(15n, ['usertrap'], 0n), '[page fault: store 0x0]');
    assert.equal(label(12n, ['usertrap']), '[page fault: fetch]');
    assert.equal(label(2n, ['usertrap'], 0n), '[illegal instruction]');
  });

  it('names the device where its driver is on the stack', () => {
    const driver = ['wakeup', 'virtio_disk_intr', 'devintr', 'usertrap'];
    assert.equal(label(INTERRUPT_FLAG | 9n, driver), '[external interrupt: virtio disk]');
    assert.equal(
      label(INTERRUPT_FLAG | 9n, ['consoleintr', 'uartintr', 'devintr', 'usertrap']),
      '[external interrupt: uart]',
    );
    assert.equal(label(INTERRUPT_FLAG | 9n, ['plic_claim', 'devintr', 'usertrap']), '[external interrupt]');
    assert.equal(label(undefined, driver), '[external interrupt: virtio disk]');
  });

  it('tells a timer by its cause, or by what xv6 does for the timer alone', () => {
    assert.equal(label(INTERRUPT_FLAG | 5n, ['usertrap']), '[timer interrupt]');
    assert.equal(label(INTERRUPT_FLAG | 1n, ['usertrap'], undefined, { relaysTimer: true }), '[timer interrupt]');
    assert.equal(label(INTERRUPT_FLAG | 1n, ['usertrap']), '[supervisor software interrupt]');
    assert.equal(label(undefined, ['sched', 'yield', 'usertrap']), '[timer interrupt]');
    assert.equal(label(undefined, ['acquire', 'clockintr', 'devintr', 'usertrap']), '[timer interrupt]');
  });

  it('says no more than that there was one where the cause is lost', () => {
    assert.equal(label(undefined, ['sched', 'sleep', 'bread', 'usertrap']), '[trap from user]');
    assert.equal(kernelTrapLabel(undefined, around(['kernelvec']), ''), '[trap in the kernel]');
  });
});

describe('the traps that were seen', () => {
  const event = (more: Partial<TrapEvent>): TrapEvent => ({
    hart: 0,
    interrupt: false,
    cause: 13,
    tval: 0x4008n,
    epc: 0x100n,
    from: 0,
    to: 1,
    ...more,
  });

  it('are kept by address space, the last of each', () => {
    const log = new TrapLog();
    log.taken(event({ epc: 0x80n }), 0x3fe0n, () => 0x1000n);
    log.taken(event({}), 0x3fe0n, () => 0x1000n);
    log.taken(event({ cause: 8 }), 0x3fe0n, () => 0x2000n);
    assert.equal(log.from(0x1000n, 0x100n)?.tval, 0x4008n);
    assert.equal(log.from(0x1000n, 0x80n), undefined);
    assert.equal(log.from(0x2000n, 0x104n)?.cause, 8, 'behind the ecall');
    assert.equal(log.from(0x2000n, 0x102n), undefined);
    assert.equal(log.from(0x3000n, 0x100n), undefined);
  });

  it('are those of user programs that the kernel has taken', () => {
    const log = new TrapLog();
    log.taken(event({}), 0x3fe0n, () => 0x1000n);
    log.taken(event({ from: 1, epc: 0x200n }), 0x3fe0n, () => 0x1000n);
    log.taken(event({ to: 3, epc: 0x300n }), 0x3fe0n, () => 0x1000n);
    assert.ok(log.from(0x1000n, 0x100n));
  });

  it('are forgotten when there are too many', () => {
    const log = new TrapLog();
    for (let root = 1n; root <= 2000n; root++) log.taken(event({}), 0x3fe0n, () => root);
    assert.equal(log.from(1n, 0x100n), undefined);
    assert.ok(log.from(2000n, 0x100n));
  });
});
