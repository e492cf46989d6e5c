/**
 * What made a function go where it went: the last branch before that in the same call of it, and where the values come from that
 * it compared. Followed through registers, sums with constants, shifts, masks and the stack, to the word of memory or the
 * constant that they were made of.
 */
import { isCall, isJump, isReturn } from '../../emulator/isa/instructions/calls';
import type { Decoded } from '../../emulator/isa/instructions/decode';
import { X } from '../../emulator/isa/registers';
import type { Executed } from './recent';

/** Of what a value was made. `index`: of the instruction that brought it. */
export type Source =
  /** A word of memory, at a physical address, with what it held. */
  | {
      readonly kind: 'memory';
      readonly physical: bigint;
      readonly bytes: number;
      readonly value: bigint;
      readonly index: number;
      /** Only some of its bits count: it was masked or shifted. */
      readonly isPart?: true;
    }
  | { readonly kind: 'constant'; readonly index: number }
  /** What is older than what was looked at, or no memory and no sum. */
  | { readonly kind: 'unknown' };

/** A word of memory that was loaded. */
export type Loaded = Source & { readonly kind: 'memory' };

/** A part of the code. */
export interface CodeRange {
  readonly low: bigint;
  readonly high: bigint;
}

const isIn = ({ low, high }: CodeRange, pc: bigint): boolean => pc >= low && pc < high;

/** The last conditional branch before an instruction in the same call of a function; undefined if there is none. */
export function branchBefore(
  run: readonly Executed[],
  at: number,
  within: CodeRange,
  sp = run[at]!.sp,
): number | undefined {
  for (let i = at - 1; i >= 0; i--) {
    const { pc, decoded, sp: stack } = run[i]!;
    if (!isIn(within, pc) || stack !== sp) continue;
    if (decoded.instruction.control === 'branch') return i;
    if (pc === within.low) return undefined;
  }
  return undefined;
}

/** Instructions that are looked at on the way that a branch did not go. */
const FARTHEST = 400;

/**
 * Whether a branch has brought a function to the end of a run, such as a jump: not if the other way leads there as well, or to
 * another instruction that does the same. A call on the way comes back, but one of what that jump leads to.
 */
export function decides(
  run: readonly Executed[],
  branch: number,
  within: CodeRange,
  codeAt: (pc: bigint) => Decoded | undefined,
  doesSame: (decoded: Decoded) => boolean = () => false,
): boolean {
  const [from, to] = [run[branch]!, run.at(-1)!];
  const target = ({ pc, decoded }: Pick<Executed, 'pc' | 'decoded'>): bigint | undefined =>
    decoded.instruction.control === 'indirect' ? undefined : pc + BigInt(decoded.imm);
  const [straight, taken] = [from.pc + BigInt(from.decoded.length), target(from)!];
  const next = run[branch + 1]?.pc;
  if (next !== straight && next !== taken) return true;
  const seen = new Set<bigint>();
  const leadsThere = (pc: bigint): boolean => {
    if (pc === to.pc || seen.has(pc)) return true;
    seen.add(pc);
    const decoded = isIn(within, pc) && pc !== from.pc && seen.size < FARTHEST ? codeAt(pc) : undefined;
    if (decoded === undefined) return false;
    if (doesSame(decoded)) return true;
    const goesTo = target({ pc, decoded });
    const goesOn = (): boolean => leadsThere(pc + BigInt(decoded.length));
    if (decoded.instruction.control === 'branch') return leadsThere(goesTo!) && goesOn();
    if (!isJump(decoded)) return goesOn();
    if (isCall(decoded)) return goesTo !== target(to) && goesOn();
    return goesTo !== undefined && leadsThere(goesTo);
  };
  return !leadsThere(next === straight ? taken : straight);
}

/** The sources of what a branch compares, or of what an instruction reads. */
export function sourcesOf(run: readonly Executed[], at: number): Source[] {
  const { instruction, rs1, rs2 } = run[at]!.decoded;
  const sources: Source[] = [];
  if (instruction.hasRs1) follow(run, at, rs1, sources, 0);
  if (instruction.hasRs2) follow(run, at, rs2, sources, 0);
  return sources;
}

/** The sources of what a register held when an instruction began. */
export function sourcesOfRegister(run: readonly Executed[], at: number, register: number): Source[] {
  const sources: Source[] = [];
  follow(run, at, register, sources, 0);
  return sources;
}

/** Values that are made of more than so many others in a row are of nothing in particular. */
const DEEPEST = 64;

/** Copies, sums and comparisons: in what they make, each bit of what they are given counts. */
const OF_ALL_BITS: ReadonlySet<string> = new Set([
  ...['addi', 'addiw', 'add', 'addw', 'sub', 'subw', 'xor', 'xori', 'slt', 'slti', 'sltu', 'sltiu'],
]);

function follow(
  run: readonly Executed[],
  at: number,
  register: number,
  sources: Source[],
  depth: number,
  isPart = false,
): void {
  if (register === 0) return;
  const index = depth > DEEPEST ? undefined : lastWrite(run, at, register);
  const one = index === undefined ? undefined : run[index]!;
  if (index === undefined || one === undefined || isOpaque(one)) {
    sources.push({ kind: 'unknown' });
    return;
  }
  const { decoded, physical, found } = one;
  const { instruction, rs1, rs2 } = decoded;
  const { access } = instruction;
  if (access !== undefined) {
    const stored = access.kind === 'load' && isStack(rs1) ? lastStore(run, index, physical!, access.bytes) : undefined;
    if (stored !== undefined) {
      follow(run, stored, run[stored]!.decoded.rs2, sources, depth + 1, isPart);
    } else {
      sources.push({
        ...{ kind: 'memory', physical: physical!, bytes: access.bytes, value: found!, index },
        ...(isPart && { isPart }),
      });
    }
    return;
  }
  const parts = [...(instruction.hasRs1 ? [rs1] : []), ...(instruction.hasRs2 ? [rs2] : [])].filter(
    (part) => part !== 0,
  );
  if (parts.length === 0) sources.push({ kind: 'constant', index });
  const isMasked = isPart || !OF_ALL_BITS.has(instruction.name);
  for (const part of parts) follow(run, index, part, sources, depth + 1, isMasked);
}

/** An instruction that makes its result of more than registers and a word of memory. */
const isOpaque = ({ decoded: { instruction }, physical, found }: Executed): boolean =>
  instruction.access === undefined
    ? instruction.csr !== undefined || instruction.control !== 'none' || instruction.hasFloats
    : physical === undefined || found === undefined || instruction.access.kind === 'sc';

/** The load that put a register's value there, if nothing else has made it. */
export function loadOf(run: readonly Executed[], at: number, register: number): Loaded | undefined {
  const index = lastWrite(run, at, register);
  if (index === undefined) return undefined;
  const { decoded, physical, found } = run[index]!;
  const { access } = decoded.instruction;
  if (access?.kind !== 'load' || physical === undefined || found === undefined) return undefined;
  return { kind: 'memory', physical, bytes: access.bytes, value: found, index };
}

const isStack = (register: number): boolean => register === X.sp || register === X.s0;

function lastWrite(run: readonly Executed[], before: number, register: number): number | undefined {
  for (let i = before - 1; i >= 0; i--) {
    const { decoded } = run[i]!;
    if (decoded.instruction.hasRd && decoded.rd === register) return i;
  }
  return undefined;
}

/** The last store of a whole word. */
function lastStore(run: readonly Executed[], before: number, physical: bigint, bytes: number): number | undefined {
  for (let i = before - 1; i >= 0; i--) {
    const one = run[i]!;
    if (one.physical !== physical || one.decoded.instruction.access?.kind !== 'store') continue;
    return one.decoded.instruction.access.bytes === bytes ? i : undefined;
  }
  return undefined;
}

/** The return of the last call of a function before an instruction; undefined if none has returned. */
export function returnBefore(run: readonly Executed[], at: number, within: CodeRange): number | undefined {
  for (let i = at - 1; i >= 0; i--) if (isIn(within, run[i]!.pc)) return isReturn(run[i]!.decoded) ? i : undefined;
  return undefined;
}

/**
 * Whether a function has returned a constant, as the next instruction that reads a0 finds it, or `now` if there is none: it may
 * have made something else of it, or have put it elsewhere.
 */
export function returns(run: readonly Executed[], end: number, constant: number, now?: bigint): boolean {
  const value = BigInt.asUintN(64, BigInt(constant));
  for (const { decoded, left, right } of run.slice(end + 1)) {
    const { instruction, rs1, rs2, rd } = decoded;
    if (instruction.hasRs1 && rs1 === X.a0) return left === value;
    if (instruction.hasRs2 && rs2 === X.a0) return right === value;
    if (instruction.hasRd && rd === X.a0) return false;
  }
  return now === value;
}

/** The first return of a function after an instruction; undefined if it has not returned since. */
function returnAfter(run: readonly Executed[], at: number, before: number, within: CodeRange): number | undefined {
  for (let i = at + 1; i < before; i++) if (isIn(within, run[i]!.pc) && isReturn(run[i]!.decoded)) return i;
  return undefined;
}

/** What a function has returned to the one that called it. */
export interface Returned<T extends CodeRange> {
  readonly by: T;
  readonly value: bigint;
  /** Index of the instruction that put it into a0, and of the return. */
  readonly made: number;
  readonly end: number;
}

/** The constant that a branch of a function compares, if another function has returned it: a caller's has been given. */
export function returnedConstant<T extends CodeRange>(
  run: readonly Executed[],
  branch: number,
  within: CodeRange,
  functionAt: (pc: bigint) => T | undefined,
): Returned<T> | undefined {
  for (const source of sourcesOf(run, branch)) {
    if (source.kind !== 'constant') continue;
    const { index: made } = source;
    const { pc, decoded } = run[made]!;
    const by = isIn(within, pc) ? undefined : functionAt(pc);
    const end = by && returnAfter(run, made, branch, by);
    const isConstant = end !== undefined && decoded.instruction.name === 'addi' && returns(run, end, decoded.imm);
    if (by !== undefined && isConstant) return { by, value: BigInt(decoded.imm), made, end };
  }
  return undefined;
}

/** Larger numbers are pointers or data, and no answers. */
const LARGEST_ANSWER = 4096n;

/** The small number that a branch of a function compares, if another function has returned it. */
export function returnedAnswer<T extends CodeRange>(
  run: readonly Executed[],
  branch: number,
  within: CodeRange,
  functionAt: (pc: bigint) => T | undefined,
): Returned<T> | undefined {
  const { left, right, decoded } = run[branch]!;
  const [register, compared] = decoded.rs1 === 0 ? [decoded.rs2, right] : [decoded.rs1, left];
  const value = BigInt.asIntN(64, compared);
  const made = givenInA0(run, branch, register, within);
  if (made === undefined || value <= -LARGEST_ANSWER || value >= LARGEST_ANSWER) return undefined;
  const by = functionAt(run[made]!.pc);
  const end = by && returnAfter(run, made, branch, by);
  return by !== undefined && end !== undefined ? { by, value, made, end } : undefined;
}

/** The instruction of another function that put into a0 what a register of this one holds, perhaps copied from there. */
function givenInA0(run: readonly Executed[], at: number, register: number, within: CodeRange): number | undefined {
  const index = register === 0 ? undefined : lastWrite(run, at, register);
  if (index === undefined) return undefined;
  const { pc, decoded } = run[index]!;
  // Another register of the caller's has been put back by whoever it called.
  if (!isIn(within, pc)) return register === X.a0 ? index : undefined;
  const from = copiedRegister(decoded);
  return from === undefined ? undefined : givenInA0(run, index, from, within);
}

/** The register that an instruction copies: `mv` is an `addi`, or compressed an `add` to x0. */
function copiedRegister({ instruction: { name }, imm, rs1, rs2 }: Decoded): number | undefined {
  if (name === 'add') return rs1 === 0 ? rs2 : rs2 === 0 ? rs1 : undefined;
  return (name === 'addi' || name === 'addiw') && imm === 0 ? rs1 : undefined;
}
