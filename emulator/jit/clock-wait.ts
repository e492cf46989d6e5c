/**
 * Loops that do nothing but wait for the clock, done at once: they read cycle or time until it has come to a register's value,
 * as in the delays of drivers, and of the race detector with which labs on locks can be built. The last pass ends with the same
 * value, after as many instructions, as it would have one by one.
 */
import { Csr } from '../isa/csrs';
import { type Decoded, decode } from '../isa/instructions/decode';
import { CsrUpdate } from '../isa/instructions/instruction';
import { mayAccess } from '../cpu/csr';
import type { HartState } from '../cpu/hart';
import { INSTRUCTIONS_PER_TICK, PAGE } from '../layout';
import { type LoopIdiom, loopIdiomAt } from './loop-idioms';

export interface ClockWait {
  /** Address of the counter, and the register that it is read to. */
  clock: number;
  register: number;
  /** The register with the value at which the loop ends, and how the branch compares. */
  end: number;
  signed: boolean;
  /** Bytes before the branch. */
  bytes: number;
}

const CLOCKS: ReadonlySet<number> = new Set([Csr.cycle, Csr.mcycle, Csr.time]);
/** Instructions of a pass: one that reads the clock, and the branch. */
const LENGTH = 2;
const READ_BYTES = 4;
const BRANCH_BYTES = 4;

const readsClock = ({ instruction, imm, rd, rs1 }: Decoded): boolean =>
  instruction.csr !== undefined &&
  instruction.csr.update !== CsrUpdate.write &&
  rs1 === 0 &&
  rd !== 0 &&
  CLOCKS.has(imm);

/** The loop that the branch at host address `branch` closes, if it can be done at once. */
export const closedLoopAt = (view: DataView, branch: number): LoopIdiom | ClockWait | undefined =>
  clockWaitAt(view, branch) ?? loopIdiomAt(view, branch);

/** The loop that the branch at host address `branch` closes, if it waits for the clock. All of it lies in one page. */
export function clockWaitAt(view: DataView, branch: number): ClockWait | undefined {
  const at = branch % PAGE;
  if (at < READ_BYTES || at > PAGE - BRANCH_BYTES) return undefined;
  const close = decode(view.getInt32(branch, true));
  const condition = close?.instruction.condition;
  if (close === undefined || (condition !== 'lt_u' && condition !== 'lt_s') || close.imm !== -READ_BYTES)
    return undefined;
  const read = decode(view.getInt32(branch - READ_BYTES, true));
  const { rs1, rs2 } = close;
  if (read === undefined || !readsClock(read) || read.rd !== rs1 || rs1 === rs2) return undefined;
  return { clock: read.imm, register: rs1, end: rs2, signed: condition === 'lt_s', bytes: READ_BYTES };
}

/**
 * Makes the passes up to the one that ends the loop, as far as the slice goes, from its branch, which is to be taken, to its branch.
 * False if there are none.
 */
export function runClockWait(hart: HartState, { clock, register, end, signed }: ClockWait): boolean {
  const { remaining } = hart;
  const most = Math.floor(remaining / LENGTH);
  if (most === 0 || !mayAccess(hart, clock, false)) return false;
  const number = (value: bigint): bigint => (signed ? BigInt.asIntN(64, value) : value);
  /** As the instruction reads it in that pass. */
  const readIn = (pass: number): bigint => {
    hart.remaining = remaining - pass * LENGTH;
    return hart.csr(clock)!;
  };
  const left = number(hart.x(end)) - number(readIn(1));
  let passes = 1;
  if (left > BigInt(remaining)) {
    passes = most;
  } else if (left > 0n) {
    const perTick = clock === Csr.time ? INSTRUCTIONS_PER_TICK : 1;
    passes += Math.ceil((Number(left) * perTick - (hart.host.cycles() % perTick)) / LENGTH);
  }
  hart.setX(register, readIn(Math.min(passes, most)));
  return true;
}
