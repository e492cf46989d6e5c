/**
 * What a launch makes: the machine with the kernel in it, the program the debugger knows, its sources and the disk.
 */
import { Csr } from '../../emulator/isa/csrs';
import { X } from '../../emulator/isa/registers';
import { SRET } from '../../emulator/isa/system';
import { imageOf } from '../../emulator/devices/disk';
import { BootRecorder, warmStartName } from '../../emulator/history/warm-start';
import { Machine } from '../../emulator/machine';
import { satpRoot } from '../../emulator/isa/sv39';
import { Mode, type Hart, type BlockImage, type MachineApi, type MachineOptions } from '../../emulator/types';
import { readAttributes, type Settings } from './attributes';
import { UserError } from '../dap/connection';
import type { Files } from './files';
import { MappedProgram } from '../code/mapped-program';
import type { AddressSpace } from '../memory/address-space';
import { findPrograms, Programs, type Program } from '../code/programs';
import type { LaunchAttributes } from '../protocol';
import { needsPrograms } from '../run-control/binding';
import type { BindingTarget, BreakpointSpec } from '../run-control/breakpoints';
import type { StepContext } from '../run-control/stepping/step-plan';
import { parent, Sources } from '../code/sources';
import { walkStack } from '../stack/stack';
import type { FrameRegisters, ReadMemory } from '../symbols/api';
import { openBinary } from '../symbols/binary';
import { TrapLog } from '../stack/trap-log';
import { WarmStart } from './warm-start';
import { hartSpace } from '../xv6/address-spaces';
import { processOfHart, runningProcess } from '../xv6/cpus';
import { openXv6, type Xv6 } from '../xv6/kernel';
import { systemCallFunction, systemCallFunctions } from '../xv6/system-calls';
import { allProcesses, processes, type Process } from '../xv6/processes';

export class Debuggee implements StepContext {
  readonly xv6: Xv6;
  /** The user programs. */
  readonly programs: Programs;
  private knownTrapReturns: readonly bigint[] | undefined;
  /** Recorded paths of sources that were not found, by the reference they are given less 1. */
  readonly missing: string[] = [];
  /** By which trap each process is in the kernel. */
  readonly traps = new TrapLog();
  /** Undefined where boots are not kept. */
  warmStart: WarmStart | undefined;

  constructor(
    readonly settings: Settings,
    readonly machine: MachineApi,
    /** The kernel. */
    readonly image: MappedProgram,
    programs: readonly Program[],
    readonly sources: Sources,
    programDiffers: (program: Program) => void,
  ) {
    this.xv6 = openXv6(image.binary, (address, length) => machine.memory.read(address, length));
    this.programs = new Programs(programs, {
      memory: machine.memory,
      executed: () => machine.executed,
      processName: (root) => processes(this.xv6).find(({ pagetable }) => pagetable === root)?.name,
      differs: programDiffers,
    });
  }

  get harts(): readonly Hart[] {
    return this.machine.harts;
  }

  /** The process that a hart runs now; undefined in the scheduler, or where the kernel's processes are not known. */
  processOn(hart: number): Process | undefined {
    return processOfHart(this.xv6, hart, allProcesses(this.xv6));
  }

  /**
   * Whose code a hart is about to execute: in user mode its program's, else the kernel's, as on the trampoline page.
   * Undefined for code of which nothing is known.
   */
  imageAt(hart: Hart): MappedProgram | undefined {
    return this.imageOf(hart, hart.pc);
  }

  /** The same for another address in the hart's mode and address space. */
  imageOf(hart: Hart, pc: bigint): MappedProgram | undefined {
    if (hart.mode !== Mode.User) return this.image.contains(pc) ? this.image : undefined;
    const root = this.userRoot(hart);
    return root === undefined ? undefined : this.userImage(root, pc);
  }

  /** The program whose code lies at `pc` by the user page table with its root page at a physical address. */
  userImage(root: bigint, pc: bigint): MappedProgram | undefined {
    const image = this.programs.in(root)?.image;
    return image?.contains(pc) ? image : undefined;
  }

  /** The user program that a hart runs; undefined while it runs the kernel, and for a program that is none of ours. */
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

  /** In the scheduler, on the stack that the hart began with, `cpus` may still or already name a process. */
  processKey(hart: Hart): string | undefined {
    if (hart.mode === Mode.Machine || (hart.mode === Mode.Supervisor && this.onBootStack(hart))) return undefined;
    const running = runningProcess(this.xv6, hart.id);
    return running && `${running.address}:${running.pid}`;
  }

  private onBootStack(hart: Hart): boolean {
    const stacks = this.image.binary.symbol('stack0');
    const sp = hart.x(X.sp);
    return stacks !== undefined && sp > stacks.address && sp <= stacks.address + stacks.size;
  }

  below(hart: Hart): FrameRegisters | 'user' | 'kernel' | undefined {
    const [innermost, ...frames] = walkStack(this, { kind: 'hart', hart: hart.id }, 1);
    const others = frames.filter(({ registers }) => registers !== innermost?.registers);
    const next = others.find(({ isLabel }) => !isLabel);
    if (!next || !others[0]!.isLabel) return next?.registers;
    return next.isUser ? 'user' : 'kernel';
  }

  get trapReturns(): readonly bigint[] {
    this.knownTrapReturns ??= this.image.wordsOf(SRET).flatMap((address) => this.image.running(address));
    return this.knownTrapReturns;
  }

  systemCall(number: bigint): bigint | undefined {
    return systemCallFunction(this.xv6, number);
  }

  isSystemCall(address: bigint): boolean {
    return systemCallFunctions(this.xv6).includes(address);
  }

  get stepIntoKernel(): boolean {
    return this.settings.stepIntoKernel;
  }

  /** Of the page table in satp; undefined without one. */
  userRoot(hart: Hart): bigint | undefined {
    return satpRoot(hart.csr(Csr.satp) ?? 0n);
  }

  read(hart: Hart): ReadMemory {
    return this.space(hart).read;
  }

  /** Memory as a hart sees it now. */
  space(hart: Hart): AddressSpace {
    return hartSpace(this, hart);
  }

  frame(hart: Hart): FrameRegisters {
    return { pc: hart.pc, x: Array.from({ length: 32 }, (_, register) => hart.x(register)) };
  }
}

export interface LaunchHost {
  files: Files;
  workingDirectory: string;
  unixTime: number;
  consoleOutput: (bytes: Uint8Array) => void;
  /** A user program's file has been read, since something needed it. */
  programOpened: (program: Program) => void;
  /** A process runs other code than its program's file has. */
  programDiffers: (program: Program) => void;
  /** Debug information cannot be read, and what is left out because of it. */
  damaged: (what: string) => void;
}

/** Builds a debuggee. Throws a UserError that says what is wrong and what to do. */
export async function boot(attributes: LaunchAttributes, around: LaunchHost): Promise<Debuggee> {
  const { files } = around;
  const settings = readAttributes(attributes, around.workingDirectory);
  const isSample = settings.kernel === undefined;
  const path = settings.kernel ?? files.sample.kernel;
  const kernel = await orTold(
    files.read(path),
    isSample ? 'The built-in sample is missing.' : 'Build the lab first (make), or correct "kernel" in launch.json.',
  );
  const disk = await openDisk(settings, files);
  try {
    const binary = openBinary(path, kernel, around.damaged);
    const recorder = new BootRecorder();
    const options: MachineOptions = {
      harts: settings.harts,
      memory: settings.memory,
      kernel,
      // QEMU's default, except for the sample, which is of those that ask for force-legacy=false.
      legacyVirtio: settings.legacyVirtio ?? !isSample,
      ...(disk ? { disk: recorder.watch(disk) } : {}),
      consoleOutput: (bytes) => {
        recorder.output(bytes);
        around.consoleOutput(bytes);
      },
      rtcEpoch: around.unixTime,
    };
    const machine = new Machine(options);
    const folders = [settings.cwd, parent(parent(path)), parent(path)];
    const sources = await Sources.find(files, binary.files, settings.sourceMap, folders);
    const programs = await findPrograms(
      files,
      [parent(path), parent(parent(path)), settings.cwd].map((folder) => `${folder}/user`),
      (program, image) => {
        sources.include(image.binary.files);
        around.programOpened(program);
      },
      around.damaged,
    );
    const image = new MappedProgram(binary);
    const debuggee = new Debuggee(settings, machine, image, programs, sources, around.programDiffers);
    if (settings.warmStart && files.boots) {
      const name = warmStartName(options);
      const saved = await files.boots.read(name);
      debuggee.warmStart = new WarmStart(machine, recorder, debuggee.traps, files.boots, name, saved);
    }
    return debuggee;
  } catch (error) {
    throw new UserError(messageOf(error));
  }
}

/** The sample's own image serves many sessions, and may lie where nothing can be written: what is written to it is lost. */
async function openDisk({ kernel, disk, snapshot }: Settings, files: Files): Promise<BlockImage | undefined> {
  if (disk !== undefined)
    return orTold(files.openDisk(disk, snapshot), 'Build it first (make fs.img), or correct "disk" in launch.json.');
  if (kernel !== undefined) return undefined;
  return imageOf(await orTold(files.read(files.sample.disk), 'The built-in sample is missing.'));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function orTold<T>(promise: Promise<T>, advice: string): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw new UserError(`${messageOf(error)} ${advice}`);
  }
}
