/**
 * The last instructions of a hart before an instant, done again one by one: what each of them read, and from where. From this
 * it can be told what a value was made of without a word from the debug information, which loses most of that in optimized code.
 */
import type { Instant } from '../../emulator/history/instant';
import type { Timeline } from '../../emulator/history/timeline';
import type { Decoded } from '../../emulator/isa/instructions/decode';
import { instructionAt } from '../../emulator/isa/instructions/instruction-at';
import { X } from '../../emulator/isa/registers';
import { pageOf } from '../../emulator/isa/sv39';
import { trapVector } from '../../emulator/dead-ends/trap-loops';
import type { Hart, LoggedInput } from '../../emulator/types';
import { fromBytes } from '../expressions/value';
import type { AskedGuest } from '../questions/occurrence';

/** An instruction that a hart has retired. */
export interface Executed {
  readonly pc: bigint;
  readonly decoded: Decoded;
  /** The stack pointer as the instruction began. */
  readonly sp: bigint;
  /** What rs1 and rs2 held. */
  readonly left: bigint;
  readonly right: bigint;
  /** Of an access to RAM: the physical address, and what lay there before. */
  readonly physical?: bigint;
  readonly found?: bigint;
}

/** Instructions that are looked at before the one that a story begins with: few at first, as that mostly tells. */
export const FEW = 300;
const WINDOWS = [FEW, 4000];

/**
 * Looks at the last instructions of a hart, at more of them until `tell` has found what it looks for. The machine stands anywhere
 * afterwards. Throws Cancelled if it is cancelled.
 */
export async function lookAtRecent(
  guest: AskedGuest,
  timeline: Timeline,
  hart: number,
  before: Instant,
  tell: (run: readonly Executed[], isLast: boolean) => boolean,
): Promise<void> {
  for (const most of WINDOWS) {
    const run = await recentInstructions(guest, timeline, hart, before, most);
    if (tell(run, run.length < most || most === WINDOWS.at(-1))) return;
  }
}

/**
 * At most `most` of them, the latest last; fewer where the hart's past is shorter. The machine stands anywhere afterwards. Throws
 * Cancelled if it is cancelled.
 */
export async function recentInstructions(
  guest: AskedGuest,
  timeline: Timeline,
  id: number,
  before: Instant,
  most: number,
): Promise<Executed[]> {
  const hart = guest.harts[id]!;
  await timeline.goTo(before);
  const last = hart.steps;
  try {
    await timeline.goToStep(id, Math.max(0, last - most), before);
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
  let executed: Executed[] = [];
  let inputs = guest.machine.instant.inputs;
  let begun: { steps: number; retired: number; one: Executed | undefined } | undefined;
  const settle = (): void => {
    if (begun?.one !== undefined && hart.retired > begun.retired && begun.steps < last) executed.push(begun.one);
  };
  const code = new KnownCode(guest, hart);
  const begin = (pc: bigint): void => {
    const decoded = code.at(pc);
    const one = decoded && beginning(guest, hart, pc, decoded);
    if (one !== undefined) code.begins(one);
    begun = { steps: hart.steps, retired: hart.retired, one };
  };
  const subscription = guest.machine.subscribe({
    trap: ({ hart: trapped, interrupt, to }) => {
      // The instruction that is done next is the handler's first.
      if (trapped === id && interrupt) begin(trapVector(hart, to));
      return false;
    },
  });
  try {
    await timeline.follow(id, before, () => {
      if (begun?.steps === hart.steps) return;
      settle();
      const known = inputs;
      inputs = guest.machine.instant.inputs;
      // What a debugger has put there was made of nothing.
      if (inputs > known && guest.machine.inputs.through(inputs).slice(known).some(isWrite)) executed = [];
      begin(hart.pc);
    });
    settle();
  } finally {
    subscription.end();
  }
  return executed;
}

const isWrite = ({ input: { kind } }: LoggedInput): boolean => kind !== 'console' && kind !== 'idle';

/** The instructions that a hart executes, each read once until another may lie there: by a store, or in another address space. */
class KnownCode {
  private readonly known = new Map<bigint, Decoded | undefined>();
  private readonly pages = new Set<bigint>();

  constructor(
    private readonly guest: AskedGuest,
    private readonly hart: Hart,
  ) {}

  at(pc: bigint): Decoded | undefined {
    if (!this.known.has(pc)) {
      this.known.set(pc, instructionAt(this.guest.read(this.hart), pc));
      this.pages.add(pageOf(this.guest.space(this.hart).physical(pc) ?? pc));
    }
    return this.known.get(pc);
  }

  begins({ decoded: { instruction }, physical }: Executed): void {
    const isStore = physical !== undefined && instruction.access?.kind !== 'load';
    if (instruction.system === undefined && !(isStore && this.pages.has(pageOf(physical)))) return;
    this.known.clear();
    this.pages.clear();
  }
}

function beginning(guest: AskedGuest, hart: Hart, pc: bigint, decoded: Decoded): Executed {
  const [left, right] = [hart.x(decoded.rs1), hart.x(decoded.rs2)];
  const one = { pc, decoded, left, right, sp: hart.x(X.sp) };
  const { access } = decoded.instruction;
  if (access === undefined) return one;
  const hasOffset = access.kind === 'load' || access.kind === 'store';
  const address = BigInt.asUintN(64, left + (hasOffset ? BigInt(decoded.imm) : 0n));
  const physical = guest.space(hart).physical(address);
  const bytes = physical === undefined ? undefined : guest.machine.memory.read(physical, access.bytes);
  return bytes === undefined ? one : { ...one, physical: physical!, found: fromBytes(bytes) };
}
