import assert from 'node:assert/strict';
import type { DeadEnd } from '../../emulator/dead-ends/dead-ends';
import { PTE, pteOf, satpOf } from '../../emulator/isa/sv39';
import type { TableStoreEvent } from '../../emulator/types';
import { MappedProgram } from '../code/mapped-program';
import { FakeMachine } from '../testing/fake-machine';
import { guestKernel, PROC } from '../testing/xv6-kernel';
import { openXv6 } from '../xv6/kernel';
import type { KernelEvent } from '../xv6/kernel-events';
import type { StopCause } from './stops';
import { stopText } from './stop-text';

const PC = 0x8000_0508n;
const SH_TABLE = 0x87f7_0000n;

/** Hart 1 runs pid 3 sh, hart 0 the scheduler; the kernel's text is one page. `sd a0,24(a1)` lies at PC. */
function setUp() {
  const { program, set } = guestKernel();
  program.segments.push({
    ...{ virtualAddress: program.base, memorySize: 0x1000n, executable: true, writable: false },
    ...{ physicalAddress: program.base, bytes: new Uint8Array(), readable: true },
  });
  program.poke(PC, 0x00a5_bc23n, 4);
  const machine = new FakeMachine(2);
  const image = new MappedProgram(program);
  const guest = {
    ...{ machine, harts: machine.harts, image, imageOf: () => image, read: () => program.read },
    xv6: openXv6(program, program.read),
  };
  const text = (cause: Parameters<typeof stopText>[1]): string => stopText(guest, cause).text;
  return { guest, set, text };
}

describe('why a catchpoint has stopped the machine', () => {
  const { guest, text } = setUp();
  const sd = 'by sd a0, 24(a1) at 0x80000508 (panic+8) on hart';

  it('is a store to an entry, with whose table it is now, and who did it', () => {
    const entry = {
      ...{ address: 0x87f7_2020n, root: SH_TABLE, level: 0, index: 4, maps: 0x4000n },
      ...{ before: 0n, after: pteOf(0x87f6_b000n, PTE.V | PTE.R | PTE.U) },
    };
    const event: TableStoreEvent = { ...entry, by: 'instruction', hart: 1, pc: PC };
    const store = (given: Partial<TableStoreEvent>): string[] =>
      text({ kind: 'pte-store', event: { ...event, ...given } }).split('\n');
    assert.deepEqual(store({}), [
      'The page-table entry for 0x4000 was 0; it is now 0x21fdac13 (PA 0x87f6b000, V R - - U - - -)',
      'entry 4 of a level-0 table, at physical 0x87f72020, in the table of pid 3 sh',
      `${sd} 1 (pid 3 sh)`,
    ]);
    const [what, where, who] = store({ hart: 0, root: 0x87f9_0000n, before: event.after, after: event.after - 1n });
    assert.match(what!, /was 0x21fdac13 \(PA .*\); it is now 0x21fdac12 \(V=0\)$/);
    assert.match(where!, /, in a table with its root at 0x87f90000, which no process has now$/);
    assert.equal(who, `${sd} 0`);
    assert.match(text({ kind: 'pte-store', event: { ...entry, by: 'device' } }), /\nby a device \(DMA\)$/);
  });

  it('is a write to satp, by a place in the kernel if it is one', () => {
    const satp = (pc: bigint): string =>
      text({ kind: 'satp-write', event: { hart: 1, pc, before: 0n, after: satpOf(SH_TABLE) } });
    assert.match(satp(PC), /^satp was .*; it is now .*\nby the instruction at 0x80000508 \(panic\+8\)$/);
    assert.match(satp(0x4000n), /\nby the instruction at 0x4000$/);
  });

  it('is a fence for what its operands name, and for all where they name nothing', () => {
    const fence = (operands: { address?: bigint; asid?: bigint }): string =>
      text({ kind: 'fence', event: { hart: 0, pc: PC, ...operands } }).split('\n')[0]!;
    assert.equal(fence({}), 'sfence.vma for all addresses in all address spaces');
    assert.equal(fence({ address: 0n }), 'sfence.vma for the address 0x0 in all address spaces');
    assert.equal(fence({ asid: 0n }), 'sfence.vma for all addresses in ASID 0');
  });

  it('is an access to a device, or a store that is lost, by the address that it is mapped to if that is another', () => {
    const device = (access: 'read' | 'write'): string =>
      text({ kind: 'device', event: { hart: 0, pc: PC, device: 'UART', offset: 5, size: 1, access, value: 0x60n } });
    assert.match(device('read'), /^UART: 1-byte read of the register at offset 0x5 → 0x60\n/);
    assert.match(device('write'), /^UART: 1-byte write of the register at offset 0x5 ← 0x60\n/);
    const lost = (va: bigint): string =>
      text({ kind: 'lost-store', event: { hart: 0, pc: PC, va, address: 0x1000n, size: 8, value: 1n } });
    assert.match(lost(0x1000n), /^the 8-byte store of 0x1 to 0x1000 has no effect/);
    assert.match(lost(0x5000n), /^the 8-byte store of 0x1 to 0x5000, which is mapped to PA 0x1000 has no effect/);
  });

  it('is what the kernel does, for a process if it runs one', () => {
    const does = (event: KernelEvent): string => text({ kind: 'kernel', event });
    const sh = { pid: 3, name: 'sh' };
    assert.equal(
      does({ kind: 'switch', hart: 1, from: sh, to: undefined }),
      'hart 1 switches from pid 3 sh to the scheduler',
    );
    assert.equal(
      does({ kind: 'switch', hart: 1, from: undefined, to: sh }),
      'hart 1 switches from the scheduler to pid 3 sh',
    );
    assert.equal(does({ kind: 'create', hart: 1, by: sh, child: 4 }), 'pid 4 is made by pid 3 sh, on hart 1');
    assert.equal(does({ kind: 'create', hart: 0, by: undefined, child: 1 }), 'pid 1 is made by the kernel, on hart 0');
    assert.equal(does({ kind: 'exec', hart: 0, by: undefined, path: '/init' }), 'the kernel execs "/init", on hart 0');
    assert.equal(does({ kind: 'exit', hart: 1, by: sh, status: -1 }), 'pid 3 sh exits with status -1, on hart 1');
    assert.equal(does({ kind: 'exit', hart: 1, by: undefined, status: 0 }), 'a process exits with status 0, on hart 1');
    assert.equal(
      does({ kind: 'map', hart: 1, root: SH_TABLE }),
      'entries are made in the table at 0x87f70000, on hart 1 (pid 3 sh)',
    );
    assert.equal(
      does({ kind: 'map', hart: 0, root: SH_TABLE }),
      'entries are made in the table at 0x87f70000, on hart 0',
    );
  });

  it('is an end of the kernel: a panic by the words that announce it, and by no others', () => {
    const loop = { low: PC, high: PC, sp: 0n, awaited: new Map([[PROC, 1n]]), masked: true, sleeps: false };
    const end = (given: Partial<DeadEnd>): StopCause & { kind: 'dead-end' } => ({
      kind: 'dead-end',
      event: { kind: 'panic', harts: [{ hart: 1, pc: PC, loop }], message: '', hart: 1, ...given },
    });
    const title = (message: string): string => stopText(guest, end({ message })).title;
    assert.equal(title('PANIC: oops'), 'PANIC: oops');
    assert.equal(title('FATAL: bad trap'), 'panic: FATAL: bad trap');
    assert.equal(title('init: starting sh'), 'panic', 'what was said last is no word of it');
    assert.equal(title(''), 'panic');
    assert.match(
      text(end({ kind: 'lock' })),
      /^hart 1 at 0x80000508 \(panic\+8\) waits, .* for &proc\[0\], the wait channel of pid 1 at 0x80010000 to change from 1: /,
    );
    const elsewhere = { ...loop, awaited: new Map([[0x87f1_2340n, 0n]]) };
    assert.match(
      text(end({ kind: 'lock', harts: [{ hart: 1, pc: PC, loop: elsewhere }] })),
      / for 0x87f12340 to change from 0: /,
    );
  });
});
