/**
 * Recognizes a hart that does nothing but trap, for ever: its trap handler traps again and again, or the same interrupt comes
 * again as soon as the handler returns. If the handler's very first instruction raises an
 * exception, once is enough: so do a jump to a wrong address and a table in satp that does not map the kernel. A handler that
 * faults later, where it saves registers to an invalid stack, gets a few attempts.
 */
import { Csr } from '../isa/csrs';
import { restoredTrap, SavedState, savedTrap } from '../history/saved-state';
import { Mstatus } from '../isa/csr-bits';
import { Mode, type Hart, type MachineApi, type State, type Subscription, type TrapEvent } from '../types';

/** A handler saves registers first: if that faults, it reaches no instruction beyond these. */
const HANDLER_BYTES = 256n;
/** So many exceptions of a handler in a row, without any other in between, are a loop. */
const LOOP = 32;

/** The state of a hart's traps. */
interface Trapping {
  /** The last trap outside the handler. */
  first: TrapEvent;
  /** Exceptions in the handler since then. */
  again: number;
  /** Where the last trap went, and how many instructions the hart had retired then. */
  vector: bigint;
  retired: number;
  looping: boolean;
  /** The loop has been reported to the user. */
  reported: boolean;
}

/** Where a hart goes with an exception that it takes to a mode. */
export const trapVector = (hart: Hart, to: Mode): bigint =>
  (hart.csr(to === Mode.Machine ? Csr.mtvec : Csr.stvec) ?? 0n) & ~3n;

/** Whether an exception is the handler's own: it was raised among the handler's first instructions, in the mode it runs in. */
export const isInHandler = ({ epc, from, to }: Pick<TrapEvent, 'epc' | 'from' | 'to'>, vector: bigint): boolean =>
  from === to && epc >= vector && epc < vector + HANDLER_BYTES;

/**
 * Whether a hart has come straight from the vector that its last trap led to: code that lies close behind a handler, as xv6's
 * userret behind uservec, is no part of it. An instruction has at least 2 bytes.
 */
const cameFromVector = ({ epc }: TrapEvent, vector: bigint, retired: number, last: Trapping): boolean =>
  last.vector === vector && retired - last.retired <= Number(epc - vector) / 2;

export class TrapLoops {
  private last = new Map<number, Trapping>();

  clear(): void {
    this.last.clear();
  }

  /**
   * Records a trap of a hart that has retired so many instructions. Returns true if the handler at `vector` loops and this has
   * not been reported.
   */
  follow(event: TrapEvent, vector: bigint, retired: number): boolean {
    const last = this.last.get(event.hart);
    if (event.interrupt || !last || !isInHandler(event, vector) || !cameFromVector(event, vector, retired, last)) {
      this.last.set(event.hart, { first: event, again: 0, looping: false, reported: false, vector, retired });
      return false;
    }
    last.retired = retired;
    last.looping ||= event.epc === vector || ++last.again >= LOOP;
    return last.looping && !last.reported;
  }

  /** The trap that began the loop that a hart is in, if it has not been reported. */
  unreported(hart: number): TrapEvent | undefined {
    const last = this.last.get(hart);
    return last?.looping && !last.reported ? last.first : undefined;
  }

  /** The hart's handler has faulted more than once since the trap that began it. */
  isNested(hart: number): boolean {
    return (this.last.get(hart)?.again ?? 0) > 1;
  }

  /** The loop that a hart is in is reported. */
  report(hart: number): void {
    const last = this.last.get(hart);
    if (last) last.reported = true;
  }

  save(): State {
    return { harts: [...this.last.values()].map((last) => ({ ...last, first: savedTrap(last.first) })) };
  }

  /** Throws an Error, and changes nothing, if it is not what `save` made. */
  restore(state: State): void {
    const harts = new SavedState('trap loops', state).records('harts').map((saved): [number, Trapping] => {
      const first = restoredTrap(saved.record('first'));
      const { hart } = first;
      const [looping, reported] = [saved.boolean('looping'), saved.boolean('reported')];
      const [vector, retired] = [saved.bigint('vector'), saved.count('retired')];
      return [hart, { first, again: saved.count('again'), looping, reported, vector, retired }];
    });
    this.last = new Map(harts);
  }
}

/** Looks in a row at which a hart is in the handler of one interrupt of one instruction, until its traps are followed. */
const SUSPICIOUS = 20;
/** Interrupts in a row between which the hart has executed nothing but the handler. */
const STORM = 1000;

/** An interrupt that keeps a hart from executing the instruction at `epc`. */
export interface InterruptStorm {
  hart: number;
  cause: number;
  epc: bigint;
  /** Where its handler begins. */
  vector: bigint;
}

/**
 * Interrupts without end: a handler that returns and leaves the interrupt pending. To follow all traps costs time, so that is
 * done only for a hart that is in the handler whenever one looks.
 */
export class InterruptStorms {
  private readonly looks: { key: string; count: number }[] = [];
  private following: Subscription | undefined;
  private found: InterruptStorm | undefined;
  private reported = false;

  constructor(private readonly machine: Pick<MachineApi, 'harts' | 'subscribe'>) {}

  suspend(): void {
    this.following?.end();
    this.following = undefined;
  }

  clear(): void {
    this.suspend();
    this.found = undefined;
    this.reported = false;
    this.looks.length = 0;
  }

  /** Looks at the harts, between two runs of the machine. Returns a storm once. */
  look(): InterruptStorm | undefined {
    if (this.found !== undefined && !this.reported) {
      this.reported = true;
      return this.found;
    }
    this.following?.end();
    this.following = undefined;
    const suspect = this.machine.harts.find((hart) => this.isSuspect(hart));
    if (suspect !== undefined && !this.reported) this.following = this.follow(suspect);
    return undefined;
  }

  private isSuspect(hart: Hart): boolean {
    const last = this.looks[hart.id];
    const key = handled(hart);
    const count = key !== undefined && key === last?.key ? last.count + 1 : 0;
    this.looks[hart.id] = { key: key ?? '', count: count % SUSPICIOUS };
    return count === SUSPICIOUS;
  }

  private follow(hart: Hart): Subscription {
    let [returned, storm] = [-1, 0];
    return this.machine.subscribe({
      trapReturn: (event) => {
        if (event.hart === hart.id) returned = hart.retired;
        return false;
      },
      trap: ({ hart: id, interrupt, cause, epc, to }) => {
        if (id !== hart.id) return false;
        storm = interrupt && hart.retired === returned ? storm + 1 : 0;
        if (storm === STORM) this.found ??= { hart: id, cause, epc, vector: trapVector(hart, to) };
        return false;
      },
    });
  }
}

/** The interrupt that a hart seems to handle, or to have just handled, with where it goes on after it. */
function handled(hart: Hart): string | undefined {
  const status = hart.csr(Csr.mstatus) ?? 0n;
  const seems = (mode: Mode, enable: bigint, cause = 0n, epc = 0n): string | undefined => {
    const isHandling = hart.mode === mode && (status & enable) === 0n;
    return cause >> 63n === 1n && (isHandling || hart.pc === epc) ? `${mode} ${cause} ${epc}` : undefined;
  };
  return (
    seems(Mode.Machine, BigInt(Mstatus.mie), hart.csr(Csr.mcause), hart.csr(Csr.mepc)) ??
    seems(Mode.Supervisor, BigInt(Mstatus.sie), hart.csr(Csr.scause), hart.csr(Csr.sepc))
  );
}
