/**
 * The last trap that was taken in each user address space, as the machine reported it: scause and stval are overwritten by
 * the next trap of the hart, while the process may still be in the kernel because of this one.
 */
import { Cause } from '../../emulator/isa/causes';
import { Mode, type Hart, type MachineApi, type State, type TrapEvent } from '../../emulator/types';

/** No kernel has so many address spaces at once. */
const MOST = 1024;

export class TrapLog {
  private readonly last = new Map<bigint, TrapEvent>();

  /** Takes down the machine's traps from now on. `root` is as for `taken`. */
  listen(machine: MachineApi, root: (hart: Hart) => bigint | undefined): void {
    machine.subscribe({
      trap: (event) => {
        this.taken(event, () => root(machine.harts[event.hart]!));
        return false;
      },
    });
  }

  /** `root` gives the physical address of the page table in force. */
  taken(event: TrapEvent, root: () => bigint | undefined): void {
    if (event.from !== Mode.User || event.to === Mode.Machine) return;
    const space = root();
    if (space === undefined) return;
    this.last.delete(space);
    this.last.set(space, event);
    if (this.last.size > MOST) this.last.delete(this.last.keys().next().value!);
  }

  clear(): void {
    this.last.clear();
  }

  save(): State {
    return [...this.last].map(([root, event]) => [root, { ...event }]);
  }

  /** Takes back what `save` gave. */
  restore(state: State): void {
    this.clear();
    for (const [root, event] of state as unknown as [bigint, TrapEvent][]) this.last.set(root, event);
  }

  /** The trap from which a process goes on at `pc`: behind an ecall, else where it was. */
  from(root: bigint, pc: bigint): TrapEvent | undefined {
    const event = this.last.get(root);
    return event && cameFrom(event, pc) ? event : undefined;
  }
}

/** Whether code that trapped like this goes on at `pc`. */
export const cameFrom = (
  { interrupt, cause, epc }: Pick<TrapEvent, 'interrupt' | 'cause' | 'epc'>,
  pc: bigint,
): boolean => epc === pc || (!interrupt && cause === Cause.userEcall && epc + 4n === pc);
