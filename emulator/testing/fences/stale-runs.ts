/** For tests: runs guests that change page tables (fence-program.ts) with a strict TLB. */
import assert from 'node:assert/strict';
import { Machine } from '../../machine';
import type { StrictTlbOptions, TlbCard } from '../../strict-tlb/event';
import type { MachineOptions, StaleTranslationEvent } from '../../types';
import { contentOf, FenceProgram, pageAt } from './fence-program';
import { R } from '../guests';
import { entry, RWX } from '../page-tables';

const { s2, s3, s4 } = R;
export const VA = 0x4000_0000;
export const OTHER_VA = 0x4000_1000;
export const LOAD_PAGE_FAULT = 13n;
export const INSTRUCTIONS = 200_000;
export const MACHINE = { harts: 1, memory: 2 ** 20, legacyVirtio: false };

export const cards = (...played: TlbCard[]): StrictTlbOptions => ({ cards: played, seed: 1 });
export const STRICT = cards();

/** A program in which VA leads to the first page, and OTHER_VA to the second. */
export function program(asid = 0): FenceProgram & { leaf: number; otherLeaf: number } {
  const made = new FenceProgram(asid);
  made.tables.map(made.root, VA, pageAt(0), RWX);
  made.tables.map(made.root, OTHER_VA, pageAt(1), RWX);
  return Object.assign(made, {
    leaf: made.tables.entryAt(made.root, BigInt(VA), 0),
    otherLeaf: made.tables.entryAt(made.root, BigInt(OTHER_VA), 0),
  });
}

export interface Outcome {
  machine: Machine;
  events: StaleTranslationEvent[];
  /** A register of hart 0. */
  x(register: number): bigint;
}

export const run = (made: FenceProgram, tlb?: StrictTlbOptions, options?: Partial<MachineOptions>): Outcome =>
  runKernel(made.kernel(), tlb, options);

export function runKernel(kernel: Uint8Array, tlb = STRICT, options: Partial<MachineOptions> = {}): Outcome {
  const machine = new Machine({ ...MACHINE, kernel, tlb, ...options });
  const events: StaleTranslationEvent[] = [];
  machine.subscribe({ staleTranslation: (event) => events.push(event) < 0 });
  machine.run({ instructions: INSTRUCTIONS });
  return { machine, events, x: (register) => machine.harts[0]!.x(register) };
}

/** What the second of two loads finds, if VA is given another page between them and then fenced so. */
export function remapped(fence: (made: FenceProgram) => void, tlb?: StrictTlbOptions, asid = 0, flags = RWX) {
  const made = program(asid);
  made.tables.set(made.leaf, entry(pageAt(0), flags));
  made.load(s2, VA).store(made.leaf, entry(pageAt(2), flags));
  fence(made);
  const { x, events } = run(made.load(s3, VA).load(s4, VA), tlb);
  assert.equal(x(s2), contentOf(0));
  assert.equal(x(s3), x(s4));
  return { found: x(s3), events };
}
