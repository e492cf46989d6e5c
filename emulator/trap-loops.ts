/**
 * Recognizes a hart whose trap handler traps again and again, for ever. If the handler's very first instruction raises an
 * exception, once is enough: so do a jump to a wrong address and a table in satp that does not map the kernel. A handler that
 * faults later, where it saves registers to an invalid stack, gets a few attempts.
 */
import { Csr } from './isa/csrs';
import { SavedState } from './history/saved-state';
import { restoredTrap, savedTrap } from './history/saved-trap';
import { Mode, type Hart, type State, type TrapEvent } from './types';

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

export class TrapLoops {
  private last = new Map<number, Trapping>();

  clear(): void {
    this.last.clear();
  }

  /** Records a trap. Returns true if the handler at `vector` loops and this has not been reported. */
  follow(event: TrapEvent, vector: bigint): boolean {
    const last = this.last.get(event.hart);
    if (event.interrupt || !last || !isInHandler(event, vector)) {
      this.last.set(event.hart, { first: event, again: 0, looping: false, reported: false });
      return false;
    }
    last.looping ||= event.epc === vector || ++last.again >= LOOP;
    return last.looping && !last.reported;
  }

  /** The trap that began the loop that a hart is in, if it has not been reported. */
  unreported(hart: number): TrapEvent | undefined {
    const last = this.last.get(hart);
    return last?.looping && !last.reported ? last.first : undefined;
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
      return [hart, { first, again: saved.count('again'), looping, reported }];
    });
    this.last = new Map(harts);
  }
}
