/**
 * Whether the kernel is at rest: every process is in its program, or where it waits or has given up its hart by itself. A process
 * that the timer has interrupted in the kernel may be in the middle of anything. The kernel is entered from itself by its trap
 * vector, and goes on with an sret to supervisor mode.
 */
import { Mode, type Hart, type State } from '../../../emulator/types';
import { structProcOn } from '../../xv6/cpus';
import type { Xv6 } from '../../xv6/kernel';
import { NAMES } from '../../xv6/names';
import type { Thread } from '../pending';

export class KernelRest {
  /** Where the kernel's own traps go. */
  readonly vector: bigint | undefined;
  private interrupted = new Set<Thread>();

  constructor(private readonly xv6: Xv6) {
    this.vector = xv6.binary.symbol(NAMES.kernelVector)?.address;
  }

  /** Why it is not known. */
  get missing(): string | undefined {
    return this.vector === undefined ? `the kernel has no function ${NAMES.kernelVector}` : undefined;
  }

  entered(thread: Thread): void {
    this.interrupted.add(thread);
  }

  left(thread: Thread): void {
    this.interrupted.delete(thread);
  }

  /** Asked where one hart enters a program. */
  isAt(hart: Hart, harts: readonly Hart[]): boolean {
    return (
      this.interrupted.size === 0 &&
      harts.every((other) => other === hart || other.mode === Mode.User || structProcOn(this.xv6, other) === undefined)
    );
  }

  clear(): void {
    this.interrupted.clear();
  }

  save(): State {
    return [...this.interrupted];
  }

  restore(threads: readonly bigint[]): void {
    this.interrupted = new Set(threads);
  }
}
