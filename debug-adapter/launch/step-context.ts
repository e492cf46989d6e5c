/** What stepping must know of a guest: the caller that its stack shows, and what its kernel says. */
import { SRET } from '../../emulator/isa/instructions/system';
import { Mode, type Hart } from '../../emulator/types';
import type { Guest } from '../code/guest';
import type { MappedProgram } from '../code/mapped-program';
import type { StepContext } from '../run-control/stepping/step-plan';
import { belowInnermost, type StackGuest } from '../stack/stack';
import type { FrameRegisters, ReadMemory } from '../symbols/api';
import { processIdOn } from '../xv6/cpus';
import { systemCallFunction, systemCallFunctions } from '../xv6/system-calls';

export class GuestSteps implements StepContext {
  private knownTrapReturns: readonly bigint[] | undefined;

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
    return running && `${running.address}:${running.pid}`;
  }

  get trapReturns(): readonly bigint[] {
    const { image } = this.guest;
    this.knownTrapReturns ??= image.wordsOf(SRET).flatMap((address) => image.running(address));
    return this.knownTrapReturns;
  }

  systemCall(number: bigint): bigint | undefined {
    return systemCallFunction(this.guest.xv6, number);
  }

  isSystemCall(address: bigint): boolean {
    return systemCallFunctions(this.guest.xv6).includes(address);
  }
}
