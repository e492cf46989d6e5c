/**
 * What a launch makes: the guest (code/guest.ts), and with it the sources, what was learnt by watching, and the settings.
 * boot.ts puts it together.
 */
import { Mstatus } from '../../emulator/isa/csr-bits';
import { Csr } from '../../emulator/isa/csrs';
import { F_NAMES, X_NAMES } from '../../emulator/isa/registers';
import { satpRoot } from '../../emulator/isa/sv39';
import { Mode, type Hart, type MachineApi } from '../../emulator/types';
import type { Guest } from '../code/guest';
import type { MappedProgram } from '../code/mapped-program';
import { Programs, type Program } from '../code/programs';
import type { Sources } from '../code/sources';
import type { AddressSpace } from '../memory/address-space';
import { needsPrograms } from '../run-control/binding';
import type { BindingTarget, BreakpointSpec } from '../run-control/breakpoint-spec';
import { RunState } from '../run-control/run-state';
import type { StepContext } from '../run-control/stepping/step-plan';
import { TrapLog } from '../stack/trap-log';
import type { FrameRegisters, ReadMemory } from '../symbols/api';
import { hartSpace } from '../xv6/address-spaces';
import { openXv6, type Xv6 } from '../xv6/kernel';
import { processes } from '../xv6/processes';
import type { Settings } from './attributes';
import type { HeldDisk } from './held-disk';
import type { OpenedRecording } from './open-recording';
import { GuestSteps } from './step-context';
import type { WarmStart } from './warm-start';

export class Debuggee implements Guest {
  readonly xv6: Xv6;
  readonly programs: Programs;
  /** Recorded paths of sources that the client has no file of, by the reference they are given less 1. */
  readonly referenced: string[] = [];
  /** By which trap each process is in the kernel. */
  readonly traps = new TrapLog();
  /** What was learnt by watching the guest alone: it holds in every session in which the guest comes to the same state. */
  readonly learned: RunState;
  readonly steps: StepContext;
  /** Undefined where boots are not kept. */
  warmStart: WarmStart | undefined;
  /** Undefined if the machine has none. */
  disk: HeldDisk | undefined;
  /** Told of each frame that the guest sends, also in its past. */
  frameSent: ((frame: Uint8Array) => void) | undefined;
  /** The recording that was opened, if the run was not begun here. */
  recorded: OpenedRecording | undefined;

  constructor(
    readonly settings: Settings,
    readonly machine: MachineApi,
    readonly image: MappedProgram,
    programs: readonly Program[],
    readonly sources: Sources,
    programDiffers: (program: Program) => void,
  ) {
    const { memory } = machine;
    this.xv6 = openXv6(image.binary, (address, length) => memory.read(address, length), {
      readAligned: (address) => memory.readU64(address),
      readInto: (address, bytes) => memory.readInto(address, bytes),
      allocators: settings.allocators,
    });
    this.steps = new GuestSteps(this, settings.stepIntoKernel);
    this.programs = new Programs(programs, {
      memory: machine.memory,
      executed: () => machine.executed,
      processName: (root) => processes(this.xv6).find(({ pagetable }) => pagetable === root)?.name,
      differs: programDiffers,
    });
    this.learned = new RunState({ traps: this.traps, programs: this.programs });
  }

  get harts(): readonly Hart[] {
    return this.machine.harts;
  }

  imageAt(hart: Hart): MappedProgram | undefined {
    return this.imageOf(hart, hart.pc);
  }

  imageOf(hart: Hart, pc: bigint): MappedProgram | undefined {
    if (hart.mode !== Mode.User) return this.image.contains(pc) ? this.image : undefined;
    const root = this.userRoot(hart);
    return root === undefined ? undefined : this.userImage(root, pc);
  }

  userImage(root: bigint, pc: bigint): MappedProgram | undefined {
    const image = this.programs.in(root)?.image;
    return image?.contains(pc) ? image : undefined;
  }

  programOn(hart: Hart): Program | undefined {
    const root = hart.mode === Mode.User ? this.userRoot(hart) : undefined;
    return root === undefined ? undefined : this.programs.in(root);
  }

  /** Whether a program's bytes around an address are what a hart in user mode has there. */
  hasBytes(hart: Hart, program: Program, address: bigint): boolean {
    const root = this.userRoot(hart);
    return root !== undefined && this.programs.hasBytes(program, root, address);
  }

  /** What breakpoints are bound to. */
  get target(): BindingTarget {
    return { image: this.image, programs: this.programs.all, sources: this.sources };
  }

  /** Opens the user programs, and looks for their sources, if one of these needs them to be bound. */
  async prepare(wanted: readonly BreakpointSpec[]): Promise<void> {
    if (wanted.some((one) => needsPrograms(this.target, one)))
      for (const program of this.programs.all) void program.image;
    await this.sources.settled();
  }

  userRoot(hart: Hart): bigint | undefined {
    return satpRoot(hart.csr(Csr.satp) ?? 0n);
  }

  read(hart: Hart): ReadMemory {
    return this.space(hart).read;
  }

  space(hart: Hart): AddressSpace {
    return hartSpace(this, hart);
  }

  frame(hart: Hart): FrameRegisters {
    const x = X_NAMES.map((_, register) => hart.x(register));
    if ((hart.csr(Csr.mstatus)! & BigInt(Mstatus.fs)) !== 0n)
      F_NAMES.forEach((_, register) => x.push(hart.f(register)));
    return { pc: hart.pc, x };
  }
}
