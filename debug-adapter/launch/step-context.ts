/** What stepping must know of a guest: the caller that its stack shows, and what its kernel says. */
import { SRET } from '../../emulator/isa/instructions/system';
import { Mode, type Hart } from '../../emulator/types';
import type { Guest } from '../code/guest';
import type { MappedProgram } from '../code/mapped-program';
import type { StepContext } from '../run-control/stepping/step-plan';
import { belowInnermost } from '../stack/below-innermost';
import type { StackGuest } from '../stack/stack';
import type { UserTrap } from '../stack/trap-log';
import type { FrameRegisters, ReadMemory } from '../symbols/api';
import { processIdOn } from '../xv6/cpus';
import { NAMES } from '../xv6/names';
import { endOfProcess, type Process } from '../xv6/processes';
import { returnsFrom } from '../code/returns-from';
import { systemCallFunction, systemCallFunctions } from '../xv6/system-calls';

/** The name of a process in plans: its slot may have another process later. */
export const keyOf = ({ address, pid }: Pick<Process, 'address' | 'pid'>): string => `${address}:${pid}`;

export class GuestSteps implements StepContext {
  private knownTrapReturns: readonly bigint[] | undefined;
  private knownSwitchReturns: readonly bigint[] | undefined;

  constructor(
    private readonly guest: StackGuest & Pick<Guest, 'imageAt' | 'read'>,
    readonly stepIntoKernel: boolean,
  ) {}

  get harts(): readonly Hart[] {
    return this.guest.harts;
  }

  get image(): MappedProgram {
    return this.guest.image;
  }

  imageAt(hart: Hart): MappedProgram | undefined {
    return this.guest.imageAt(hart);
  }

  read(hart: Hart): ReadMemory {
    return this.guest.read(hart);
  }

  below(hart: Hart): FrameRegisters | 'user' | 'kernel' | undefined {
    return belowInnermost(this.guest, hart);
  }

  processKey(hart: Hart): string | undefined {
    const running = hart.mode === Mode.Machine ? undefined : processIdOn(this.guest.xv6, hart);
    return running && keyOf(running);
  }

  end(process: string): string | undefined {
    const [address = '', pid = ''] = process.split(':');
    return endOfProcess(this.guest.xv6, { address: BigInt(address), pid: Number(pid) });
  }

  lastTrap(hart: Hart): UserTrap | undefined {
    const root = this.guest.userRoot(hart);
    return root === undefined ? undefined : this.guest.traps.last(root);
  }

  get trapReturns(): readonly bigint[] {
    const { image } = this.guest;
    this.knownTrapReturns ??= image.wordsOf(SRET).flatMap((address) => image.running(address));
    return this.knownTrapReturns;
  }

  get switchReturns(): readonly bigint[] {
    const { image } = this.guest;
    this.knownSwitchReturns ??= returnsFrom(image.binary, NAMES.contextSwitch).flatMap((address) =>
      image.running(address),
    );
    return this.knownSwitchReturns;
  }

  systemCall(number: bigint): bigint | undefined {
    return systemCallFunction(this.guest.xv6, number);
  }

  isSystemCall(address: bigint): boolean {
    return systemCallFunctions(this.guest.xv6).includes(address);
  }
}
