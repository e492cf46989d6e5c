/**
 * The last trap in each user address space, as reported by the machine: the hart's next trap overwrites scause and stval
 * while the process may still be in the kernel because of this one.
 */
import { Cause } from '../../emulator/isa/causes';
import { restoredTrap, SavedState, savedTrap } from '../../emulator/history/saved-state';
import { X } from '../../emulator/isa/registers';
import { Mode, type Hart, type MachineApi, type State, type TrapEvent } from '../../emulator/types';

/** Most address spaces in the log; no kernel has so many at once. */
const MOST = 1024;

/** A trap from a user program, with the stack pointer that the program had. */
export interface UserTrap extends TrapEvent {
  sp: bigint;
}

interface Last {
  event: TrapEvent;
  sp: bigint;
  /** Greater than that of all traps before. */
  order: number;
}

export class TrapLog {
  private spaces = new Map<bigint, Last>();
  /** What was saved of a trap before, as saved states share it. */
  private readonly saved = new WeakMap<TrapEvent, State>();
  private count = 0;

  /** How many traps from user programs have been seen in this session: whether one has run at all. */
  get seen(): number {
    return this.count;
  }

  /** Records the machine's traps from now on. `root` is as for `taken`. */
  listen(machine: MachineApi, root: (hart: Hart) => bigint | undefined): void {
    machine.subscribe({
      trap: (event) => {
        const hart = machine.harts[event.hart]!;
        this.taken(event, hart.x(X.sp), () => root(hart));
        return false;
      },
    });
  }

  /** Records a trap: the event is kept. `root` returns the physical address of the current page table's root. */
  taken(event: TrapEvent, sp: bigint, root: () => bigint | undefined): void {
    if (event.from !== Mode.User || event.to === Mode.Machine) return;
    this.count++;
    const space = root();
    if (space === undefined) return;
    const known = this.spaces.get(space);
    if (known !== undefined) {
      known.event = event;
      known.sp = sp;
      known.order = this.count;
      return;
    }
    this.spaces.set(space, { event, sp, order: this.count });
    if (this.spaces.size > MOST) this.spaces.delete(this.inOrder()[0]![0]);
  }

  clear(): void {
    this.spaces.clear();
  }

  save(): State {
    return { spaces: this.inOrder().map(([root, last]) => this.saveSpace(root, last)) };
  }

  private inOrder(): [bigint, Last][] {
    return [...this.spaces].sort(([, one], [, other]) => one.order - other.order);
  }

  private saveSpace(root: bigint, { event, sp }: Last): State {
    const before = this.saved.get(event);
    if (before !== undefined) return before;
    const saved = { root, sp, trap: savedTrap(event) };
    this.saved.set(event, saved);
    return saved;
  }

  /** Throws an Error, and changes nothing, if it is not what `save` made. */
  restore(state: State): void {
    const spaces = new SavedState('trap log', state).records('spaces');
    if (spaces.length > MOST) throw new Error(`saved state of trap log.spaces: expected at most ${MOST} entries`);
    this.spaces = new Map(
      spaces.map((saved, index) => {
        const [event, sp] = [restoredTrap(saved.record('trap')), saved.bigint('sp')];
        return [saved.bigint('root'), { event, sp, order: index - spaces.length }];
      }),
    );
  }

  /** The last trap in the address space with this root. */
  last(root: bigint): UserTrap | undefined {
    const last = this.spaces.get(root);
    return last && { ...last.event, sp: last.sp };
  }

  /** Whether a program of any address space has trapped where it goes on at `pc`. */
  hasFrom(pc: bigint): boolean {
    return [...this.spaces.values()].some(({ event }) => cameFrom(event, pc));
  }

  /** The trap after which a process continues at `pc`: after an ecall, else at the trap's pc. */
  from(root: bigint, pc: bigint): TrapEvent | undefined {
    const event = this.spaces.get(root)?.event;
    return event && cameFrom(event, pc) ? event : undefined;
  }
}

/** Whether code continues at `pc` after such a trap. */
export const cameFrom = (
  { interrupt, cause, epc }: Pick<TrapEvent, 'interrupt' | 'cause' | 'epc'>,
  pc: bigint,
): boolean => epc === pc || (!interrupt && cause === Cause.userEcall && epc + 4n === pc);
