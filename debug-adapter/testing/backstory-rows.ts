/** For tests: what is said of what led to a stop of a small kernel. */
import assert from 'node:assert/strict';
import { Csr } from '../../emulator/isa/csrs';
import { R, type Assembler } from '../../emulator/testing/guests';
import type { StopCause } from '../run-control/stops';
import type { Frame } from '../stack/frame';
import { Backstory } from '../stories/backstory';
import { EntryPlaces } from '../stories/entries';
import { knownTables } from '../stories/known-tables';
import { PANIC, SmallKernel, type SmallKernelOptions, type WriteCode } from './small-kernel';

const { t0 } = R;

async function told(kernel: SmallKernel, cause: StopCause, frames: readonly Frame[] = []): Promise<string> {
  const { guest, timeline, machine } = kernel;
  const places = new EntryPlaces(machine.memory, knownTables(guest, 0));
  const backstory = new Backstory(guest, timeline, 0, frames, places);
  await backstory.tell({ hart: 0, reason: 'exception', cause });
  return backstory.lines.map(({ text }) => text).join('\n');
}

/** What is said of an exception, the `count`th. */
export function ofTrap(write: WriteCode, options?: SmallKernelOptions, count = 1): Promise<string> {
  const kernel = new SmallKernel(write, options);
  return told(kernel, { kind: 'trap', event: kernel.untilTrap(count) });
}

/** What is said of a panic that a function calls, which is the handler of what happened, or not. */
export function ofPanic(caller: string, write: WriteCode, isHandler = false): Promise<string> {
  const kernel = new SmallKernel(write);
  kernel.untilPanic();
  const { image, machine } = kernel.guest;
  const frame = (lookup: bigint, more: Partial<Frame> = {}): Frame =>
    ({ ...{ isUser: false, isLabel: false, hart: 0, lookup, registers: {} }, ...more }) as Frame;
  const frames = [frame(PANIC), frame(image.binary.symbol(caller)!.address)];
  if (isHandler) {
    const pc = machine.harts[0]!.csr(Csr.sepc)!;
    frames.push(frame(0n, { isLabel: true }), frame(pc, { registers: { pc, x: [] } }));
  }
  return told(kernel, { kind: 'kernel', event: { kind: 'panic', hart: 0, message: '' } }, frames);
}

/** Loads a register from an address. */
export const loaded = (code: Assembler, rd: number, address: bigint, name = 'ld'): Assembler =>
  code.li(t0, address).op(name, { rd, rs1: t0 });
export const stored = (code: Assembler, address: bigint, rs2: number, name = 'sd'): Assembler =>
  code.li(t0, address).op(name, { rs1: t0, rs2 });

/** A sentence with a run of which it is true, and others, near to it, of which it must not be said, by what is different there. */
export interface BackstoryRow {
  readonly sentence: RegExp;
  readonly said: () => string | Promise<string>;
  readonly not: Readonly<Record<string, () => string | Promise<string>>>;
}

export function testRows(rows: Readonly<Record<string, BackstoryRow>>): void {
  for (const [what, { sentence, said, not }] of Object.entries(rows)) {
    it(`is ${what}`, async () => assert.match(await said(), sentence));
    for (const [other, of] of Object.entries(not))
      it(`is not ${what}: ${other}`, async () => assert.doesNotMatch(await of(), sentence));
  }
}
