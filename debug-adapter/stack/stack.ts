/**
 * The call stack of a thread, from the kernel down to the user program's main: unwound by the debug information, with
 * inlined functions as frames of their own, and assembly by its code. Where a trap lies between two frames, a label says
 * which it was. A process that no hart runs has its stack too, from where swtch left it (p->context) and from its trap
 * frame.
 */
import { hex } from '../../emulator/isa/hex';
import { MPP_SHIFT, Mstatus } from '../../emulator/isa/csr-bits';
import { Csr } from '../../emulator/isa/csrs';
import { X } from '../../emulator/isa/registers';
import { Mode, type Hart } from '../../emulator/types';
import type { Guest } from '../code/guest';
import type { BreakpointOrigin, MappedProgram } from '../code/mapped-program';
import type { AddressSpace } from '../memory/address-space';
import type { FrameRegisters } from '../symbols/api';
import { functionOrLabelAt } from '../symbols/named-code';
import type { Frame } from './frame';
import type { Thread } from './threads';
import { cameFrom, type TrapLog, type UserTrap } from './trap-log';
import { kernelTrapLabel, RETURN_LABEL, trapOf, userTrapLabel, type TrapLabelContext, type Trap } from './trap-label';
import { hasSavedPc, keptBy } from './trap-handler';
import { acrossSwitch, isEntry, isReplaced, resumed } from './functions';
import { nowOf, assemblyFrameAt, registersAtEntry, type AssemblyFrame } from './trap-vector';
import { kernelSpace, tableSpace, userSpace } from '../xv6/address-spaces';
import { processOn } from '../xv6/cpus';
import { NAMES } from '../xv6/names';
import { parkedRegisters, trapFrameRegisters, userTrapHandler, type Process } from '../xv6/processes';
import { systemCallName } from '../xv6/system-calls';

/** A stack this deep is a broken one; xv6's are one page. */
const DEEPEST = 256;

const SPP = BigInt(Mstatus.spp);

/** No code of the kernel's is here: such a frame is left by ra alone. */
const NOWHERE = 0n;

/** What a stack is walked in. */
export type StackGuest = Pick<
  Guest,
  'machine' | 'harts' | 'image' | 'programs' | 'xv6' | 'frame' | 'space' | 'userRoot'
> & {
  /** By which trap each process is in the kernel. */
  readonly traps: TrapLog;
};

/** Frames innermost first, with ids from `firstId`. `origin`: the breakpoint that has stopped the hart. */
export const walkStack = (guest: StackGuest, thread: Thread, firstId: number, origin?: BreakpointOrigin): Frame[] =>
  walk(guest, thread, firstId, false, origin);

/** Without user programs, which are most of the work. */
export const walkKernelStack = (guest: StackGuest, thread: Thread): Frame[] => walk(guest, thread, 1, true);

const walk = (guest: StackGuest, thread: Thread, id: number, isKernels: boolean, origin?: BreakpointOrigin): Frame[] =>
  thread.kind === 'hart'
    ? new StackWalk(guest, id, isKernels, guest.harts[thread.hart]!).ofHart(origin)
    : new StackWalk(guest, id, isKernels, undefined, thread.process).ofParked();

class StackWalk {
  private readonly frames: Frame[] = [];
  private origin: BreakpointOrigin | undefined;
  /** The address of the kernel's function for traps from user programs, as uservec finds it. */
  private readonly handler: bigint | undefined;
  /** Where the frames of the kernel since the last trap begin. */
  private sinceTrap = 0;

  constructor(
    private readonly guest: StackGuest,
    private readonly firstId: number,
    private readonly isKernels: boolean,
    private readonly hart: Hart | undefined,
    private readonly process: Process | undefined = hart && processOn(guest.xv6, hart),
  ) {
    this.handler = process && userTrapHandler(guest.xv6, process);
  }

  ofHart(origin: BreakpointOrigin | undefined): Frame[] {
    const hart = this.hart!;
    this.origin = origin;
    const [registers, space] = [this.guest.frame(hart), this.guest.space(hart)];
    if (hart.mode === Mode.User) this.user(registers, space, this.guest.userRoot(hart));
    else this.kernel(registers, space);
    return this.frames;
  }

  ofParked(): Frame[] {
    const process = this.process!;
    const registers = parkedRegisters(this.guest.xv6, process);
    if (registers) this.kernel(resumed(this.guest.image, registers), kernelSpace(this.guest, process));
    return this.frames;
  }

  /** The kernel's frames from some registers on, and what is below them. */
  private kernel(start: FrameRegisters, space: AddressSpace): void {
    const { image } = this.guest;
    let registers: FrameRegisters | undefined = start;
    let callee: FrameRegisters | undefined;
    while (registers && this.frames.length < DEEPEST) {
      this.push(image, registers, space);
      const here: FrameRegisters = registers;
      if (isEntry(image, image.lookup(here))) return;
      const passage = image.contains(here.pc) ? assemblyFrameAt(image, here, space.read, this.hart) : undefined;
      if (passage?.kind === 'user vector' && !here.returnAddress && this.cameFromKernel(this.ownCsr(Csr.sstatus))) {
        registers = this.interrupted(passage.entry, here, undefined, space);
      } else if (passage?.kind === 'user vector' || passage?.kind === 'user return') {
        registers = this.belowPassage(passage, here, space);
      } else if (passage?.kind === 'machine vector') {
        this.belowMachine(passage.entry, here, space);
        return;
      } else if (passage?.kind === 'kernel vector') {
        registers = this.interrupted(passage.entry, here, callee, space);
      } else if (passage?.kind === 'switch') {
        registers = acrossSwitch(image, passage.entry, here, space, this.hart);
      } else if (this.isUserTrapHandler(here)) {
        registers = this.belowHandler(here, space);
      } else {
        registers = image.caller(here, space.read);
        if (this.begins(here, registers)) {
          this.belowFirst();
          return;
        }
      }
      // A caller at the same place as its callee: unwinding would never end.
      if (registers?.pc === here.pc && registers.x[X.sp] === here.x[X.sp]) return;
      callee = here;
    }
  }

  /** The frames of a user program, down to the function that exec entered. */
  private user(start: FrameRegisters, space: AddressSpace, root: bigint | undefined): void {
    if (this.isKernels) return;
    const image = root === undefined ? undefined : this.guest.programs.in(root)?.image;
    let registers: FrameRegisters | undefined = start;
    while (registers && this.frames.length < DEEPEST) {
      const here: FrameRegisters = registers;
      this.push(image, here, space, true);
      if (!image || isEntry(image, image.lookup(here))) return;
      const passage = image.contains(here.pc) ? assemblyFrameAt(image, here, space.read, undefined) : undefined;
      registers =
        passage?.kind === 'switch'
          ? acrossSwitch(image, passage.entry, here, space, undefined)
          : image.caller(here, space.read);
      if (registers && !image.contains(registers.pc)) return;
      if (registers?.pc === here.pc && registers.x[X.sp] === here.x[X.sp]) return;
    }
  }

  /** Below uservec and userret: pushes the program's frames, or returns what is below of the kernel. */
  private belowPassage(passage: AssemblyFrame, here: FrameRegisters, space: AddressSpace): FrameRegisters | undefined {
    const user = this.process ? userSpace(this.guest, this.process) : space;
    if (passage.kind !== 'user vector' || here.returnAddress) {
      if (this.process) this.belowFrame(this.trapFrame(), RETURN_LABEL);
      return undefined;
    }
    const entered = registersAtEntry(passage.entry, here, nowOf(here, user.read, this.hart));
    if (!entered) return undefined;
    // After a fault in uservec itself, only the program's own trap shows whether it was the one that began here.
    const seen = this.lastTrap();
    const pc = this.ownCsr(Csr.sepc) ?? (seen?.sp === entered.x[X.sp] ? seen?.epc : undefined);
    if (pc === undefined) return this.guest.image.caller({ ...entered, pc: NOWHERE }, space.read);
    this.belowFrame({ ...entered, pc }, undefined, user);
    return undefined;
  }

  /** The last trap of the process's program. */
  private lastTrap(): UserTrap | undefined {
    const root = this.process?.pagetable;
    return root === undefined ? undefined : this.guest.traps.last(root);
  }

  /**
   * Below usertrap: pushes the frames of the program that trapped. With a wrong stvec a trap in the kernel comes here too:
   * then returns what that has interrupted.
   */
  private belowHandler(handler: FrameRegisters, space: AddressSpace): FrameRegisters | undefined {
    const registers = this.trapFrame();
    if (!registers) {
      this.label(this.userLabel(undefined, undefined), handler, space);
      return undefined;
    }
    const { image } = this.guest;
    // Until usertrap has saved sepc no other trap may come, but a fault of its own can.
    const isSaved = hasSavedPc(this.guest, handler, space.read) !== false;
    const pc = isSaved ? registers.pc : (this.ownCsr(Csr.sepc) ?? this.lastTrap()?.epc ?? registers.pc);
    const trapped = { ...registers, pc };
    if (isSaved ? image.contains(pc) : this.cameFromKernel(this.ownCsr(Csr.sstatus))) {
      const own = this.ownCsr(Csr.sepc) === pc ? this.csr(Csr.scause) : undefined;
      const trap = own === undefined ? undefined : trapOf(own, this.csr(Csr.stval));
      return this.belowTrapInKernel(trap, trapped, NAMES.userTrap, space);
    }
    this.belowFrame(trapped);
    return undefined;
  }

  private belowTrapInKernel(
    trap: Trap | undefined,
    registers: FrameRegisters,
    handler: string,
    space: AddressSpace,
  ): FrameRegisters {
    this.label(kernelTrapLabel(trap, this.surroundings(undefined), handler), registers, space);
    this.sinceTrap = this.frames.length;
    return registers;
  }

  /** Below where a process begins that has not been in user mode yet. */
  private belowFirst(): void {
    const registers = this.trapFrame();
    const { process } = this;
    // Until its program is there, as in the first process of all, the trap frame holds nothing.
    if (registers && process && userSpace(this.guest, process).read(registers.pc, 2))
      this.belowFrame(registers, RETURN_LABEL);
  }

  private belowFrame(
    registers: FrameRegisters | undefined,
    label?: string,
    space = this.process && userSpace(this.guest, this.process),
  ): void {
    if (!registers || !space || this.isKernels) return;
    const root = this.process?.pagetable ?? (this.hart && this.guest.userRoot(this.hart));
    this.label(label ?? this.userLabel(registers, root), registers, space);
    if (label === undefined && isReplaced(this.functions, registers.pc, space.read)) {
      // Until exec has set the new pc it is the caller's, which has no memory any more.
      if (this.guest.traps.hasFrom(registers.pc)) return;
      this.label(RETURN_LABEL, registers, space);
    }
    this.user(registers, space, root);
  }

  /**
   * The registers of what a trap in the kernel interrupted, with the label pushed. If it was a user program, pushes its frames,
   * and there are none; if it is not known where it was, those of the function that ra leads to.
   */
  private interrupted(
    entry: bigint,
    here: FrameRegisters,
    handler: FrameRegisters | undefined,
    space: AddressSpace,
  ): FrameRegisters | undefined {
    const { image } = this.guest;
    const isCode = (pc: bigint | undefined): boolean => pc !== undefined && image.contains(pc);
    // Once the handler has read sepc other traps may come: what it keeps is right then, and the register may not be.
    const keeps = (name: string): bigint | undefined => handler && keptBy(image, handler, space.read, name);
    const kept = keeps('sepc');
    const own = this.ownCsr(Csr.sepc);
    const pc = isCode(kept) ? kept : isCode(own) ? own : (kept ?? own);
    const status = keeps('sstatus') ?? this.ownCsr(Csr.sstatus);
    const before = registersAtEntry(entry, here, nowOf(here, space.read, this.sinceTrap === 0 ? this.hart : undefined));
    if (!before) return undefined;
    if (pc !== undefined && !isCode(pc) && status !== undefined && !this.cameFromKernel(status)) {
      this.belowFrame({ ...before, pc });
      return undefined;
    }
    const isOwn = own === pc && this.cameFromKernel(this.ownCsr(Csr.sstatus));
    const cause = keeps('scause') ?? (isOwn ? this.ownCsr(Csr.scause) : undefined);
    const trap = cause === undefined ? undefined : trapOf(cause, isOwn ? this.ownCsr(Csr.stval) : undefined);
    const name = handler ? (this.functionOf(handler)?.name ?? '') : '';
    this.belowTrapInKernel(trap, before, name, space);
    return pc === undefined ? image.caller({ ...before, pc: NOWHERE }, space.read) : { ...before, pc };
  }

  /** Below code of the machine mode, which may have interrupted anything. */
  private belowMachine(entry: bigint, here: FrameRegisters, space: AddressSpace): void {
    const pc = this.csr(Csr.mepc);
    const cause = this.csr(Csr.mcause);
    const before = registersAtEntry(entry, here, nowOf(here, space.read, this.hart));
    if (pc === undefined || cause === undefined || !before) return;
    const mode = Number(((this.csr(Csr.mstatus) ?? 0n) >> BigInt(MPP_SHIFT)) & 3n) as Mode;
    const root = this.guest.userRoot(this.hart!);
    const registers = { ...before, pc };
    const below = mode === Mode.Machine ? space : tableSpace(this.guest, `table:${hex(root ?? 0n)}`, root, mode);
    this.label(kernelTrapLabel(trapOf(cause), this.surroundings(undefined), ''), registers, below);
    this.sinceTrap = this.frames.length;
    if (mode === Mode.User) this.user(registers, below, root);
    else if (this.guest.image.contains(pc)) this.kernel(registers, below);
  }

  private userLabel(registers: FrameRegisters | undefined, root: bigint | undefined): string {
    const handler = this.frames.findLast(({ isLabel }) => !isLabel)?.name ?? '';
    return userTrapLabel(this.userTrap(registers?.pc, root), this.surroundings(registers), handler);
  }

  /** The trap from which a process goes on at `pc`. */
  private userTrap(pc: bigint | undefined, root: bigint | undefined): Trap | undefined {
    if (pc === undefined) return undefined;
    const cause = this.ownCsr(Csr.scause);
    if (cause !== undefined && !this.cameFromKernel(this.csr(Csr.sstatus))) {
      const trap = { ...trapOf(cause, this.csr(Csr.stval)), epc: this.csr(Csr.sepc) ?? 0n };
      if (cameFrom(trap, pc)) return trap;
    }
    return root === undefined ? undefined : this.guest.traps.from(root, pc);
  }

  private surroundings(user: FrameRegisters | undefined): TrapLabelContext {
    const { xv6, image } = this.guest;
    return {
      functions: this.functions,
      systemCall: () => {
        const number = user?.x[X.a7];
        return number === undefined ? 'unknown' : (systemCallName(xv6, number) ?? String(BigInt.asIntN(64, number)));
      },
      relaysTimer: image.binary.symbol(NAMES.timerVector) !== undefined,
    };
  }

  /** Since the last trap. */
  private get functions(): string[] {
    return this.frames.slice(this.sinceTrap).map(({ name }) => name);
  }

  private trapFrame(): FrameRegisters | undefined {
    return this.process && trapFrameRegisters(this.guest.xv6, this.process);
  }

  /** By the address that uservec jumps to, which the kernel keeps in the trap frame. */
  private isUserTrapHandler(registers: FrameRegisters): boolean {
    const info = this.functionOf(registers);
    return info !== undefined && (info.name === NAMES.userTrap || info.low === this.handler);
  }

  /** A process that is new begins in a function that nobody has called: ra is still its own address. */
  private begins(here: FrameRegisters, caller: FrameRegisters | undefined): boolean {
    const info = this.functionOf(here);
    if (!info || !this.process) return false;
    return info.name === NAMES.firstRun || (caller !== undefined && caller.pc === info.low);
  }

  private functionOf(registers: FrameRegisters): { name: string; low: bigint } | undefined {
    const { image } = this.guest;
    return functionOrLabelAt(image.binary, image.lookup(registers));
  }

  /** A register of the last trap, for what no later trap has interrupted. */
  private ownCsr(address: number): bigint | undefined {
    return this.sinceTrap === 0 ? this.csr(address) : undefined;
  }

  private cameFromKernel(sstatus: bigint | undefined): boolean {
    return sstatus !== undefined && (sstatus & SPP) !== 0n;
  }

  private csr(address: number): bigint | undefined {
    return this.hart?.csr(address);
  }

  private label(name: string, registers: FrameRegisters, space: AddressSpace): void {
    this.add({ registers, space, name, isLabel: true, lookup: registers.pc });
  }

  /** The function at a place, and those inlined in it there. */
  private push(image: MappedProgram | undefined, registers: FrameRegisters, space: AddressSpace, isUser = false): void {
    if (!image?.contains(registers.pc)) {
      this.add({ registers, space, isUser, name: hex(registers.pc), lookup: registers.pc });
      return;
    }
    const { binary } = image;
    const lookup = image.lookup(registers);
    const all = binary.inlinedCallsAt(lookup);
    const origin = this.frames.length === 0 ? this.origin : undefined;
    const entered = registers.returnAddress
      ? all
      : origin
        ? image.inlinedCallsAtBreakpoint(lookup, origin)
        : image.inlinedCalls(lookup);
    const entry = registers.returnAddress ? binary.callLineAt(lookup) : binary.lineAt(lookup);
    // A call that has not been made yet is seen at the line that makes it.
    const notEntered = all[all.length - entered.length - 1];
    let file = notEntered ? notEntered.callFile : entry?.file;
    let line = (notEntered ? notEntered.callLine : entry?.line) ?? 0;
    let column = notEntered ? 0 : (entry?.column ?? 0);
    let inlinedDepth = all.length - entered.length;
    const common = { image, registers, space, isUser, lookup };
    for (const call of entered) {
      this.add({ ...common, name: call.name, file, line, column, inlinedDepth });
      file = call.callFile;
      line = call.callLine ?? 0;
      column = 0;
      inlinedDepth++;
    }
    const name = functionOrLabelAt(binary, lookup)?.name ?? hex(registers.pc);
    this.add({ ...common, name, file, line, column, inlinedDepth });
  }

  private add(frame: Pick<Frame, 'registers' | 'space' | 'name' | 'lookup'> & Partial<Frame>): void {
    this.frames.push({
      id: this.firstId + this.frames.length,
      hart: this.hart?.id,
      image: undefined,
      isUser: false,
      isLabel: false,
      file: undefined,
      line: 0,
      column: 0,
      inlinedDepth: 0,
      process: this.process,
      ...frame,
    });
  }
}
