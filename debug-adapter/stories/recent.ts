/**
 * The last instructions of a hart before an instant, done again one by one: what each of them read, and from where. From this
 * it can be told what a value was made of without a word from the debug information, which loses most of that in optimized code.
 */
import type { Instant } from '../../emulator/history/instant';
import type { Timeline } from '../../emulator/history/timeline';
import { Csr } from '../../emulator/isa/csrs';
import type { Decoded } from '../../emulator/isa/instructions/decode';
import { instructionAt } from '../../emulator/isa/instructions/instruction-at';
import { X } from '../../emulator/isa/registers';
import { pageOf } from '../../emulator/isa/sv39';
import { trapVector } from '../../emulator/dead-ends/trap-loops';
import type { Hart, LoggedInput, MachineApi, Mode } from '../../emulator/types';
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
  const view = new HartView(guest, hart);
  const begin = (pc: bigint): void => {
    view.arrives();
    const decoded = view.instruction(pc);
    const one = decoded && beginning(guest.machine, view, hart, pc, decoded);
    if (one !== undefined) view.begins(one);
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
      if (inputs > known) view.forget();
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

/** Where a hart's addresses lead, and the instructions that lie there: each is read once, until something may change it. */
class HartView {
  private readonly code = new Map<bigint, Decoded | undefined>();
  /** Physical pages by virtual ones. */
  private readonly pages = new Map<bigint, bigint | undefined>();
  /** Pages from which this was read: tables and code. */
  private readonly sources = new Set<bigint>();
  private mode: Mode | undefined;
  private executed = 0;

  constructor(
    private readonly guest: AskedGuest,
    private readonly hart: Hart,
  ) {}

  /** The hart is about to begin its next instruction. Where it has not executed just one since the last time, others may have. */
  arrives(): void {
    const { executed } = this.guest.machine;
    if (this.hart.mode !== this.mode || executed !== this.executed + 1) this.forget();
    this.mode = this.hart.mode;
    this.executed = executed;
  }

  /** It begins this one. */
  begins({ decoded: { instruction, imm }, physical }: Executed): void {
    const { access, csr, system } = instruction;
    // Of the CSRs, satp alone.
    const changesTranslation = csr === undefined ? system !== undefined : imm === Csr.satp;
    // What is no memory may be a device, which may write to memory.
    const isDevice = access !== undefined && physical === undefined;
    const changesSources =
      access !== undefined &&
      access.kind !== 'load' &&
      physical !== undefined &&
      (this.sources.has(pageOf(physical)) || physical % BigInt(access.bytes) !== 0n);
    if (changesTranslation || isDevice || changesSources) this.forget();
  }

  instruction(pc: bigint): Decoded | undefined {
    if (!this.code.has(pc)) {
      this.code.set(
        pc,
        instructionAt((va, length) => this.read(va, length), pc),
      );
    }
    return this.code.get(pc);
  }

  private read(va: bigint, length: number): Uint8Array | undefined {
    const physical = this.physical(va);
    // As where an interrupt is about to be taken to a handler that user mode does not reach.
    if (physical === undefined) return this.guest.read(this.hart)(va, length);
    this.sources.add(pageOf(physical));
    return this.guest.machine.memory.read(physical, length);
  }

  physical(va: bigint): bigint | undefined {
    const page = pageOf(va);
    if (!this.pages.has(page)) {
      const { walk, pa } = this.guest.space(this.hart).translate(page);
      for (const { table } of walk?.steps ?? []) this.sources.add(table);
      this.pages.set(page, pa);
    }
    const physical = this.pages.get(page);
    return physical === undefined ? undefined : physical + (va - page);
  }

  forget(): void {
    this.code.clear();
    this.pages.clear();
    this.sources.clear();
  }
}

function beginning({ memory }: MachineApi, view: HartView, hart: Hart, pc: bigint, decoded: Decoded): Executed {
  const [left, right] = [hart.x(decoded.rs1), hart.x(decoded.rs2)];
  const one = { pc, decoded, left, right, sp: hart.x(X.sp) };
  const { access } = decoded.instruction;
  if (access === undefined) return one;
  const hasOffset = access.kind === 'load' || access.kind === 'store';
  const address = BigInt.asUintN(64, left + (hasOffset ? BigInt(decoded.imm) : 0n));
  const physical = view.physical(address);
  if (physical === undefined) return one;
  const bytes = memory.read(physical, access.bytes);
  return bytes === undefined ? one : { ...one, physical, found: fromBytes(bytes) };
}
