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
import type { Thread } from './threads';
import { cameFrom, type TrapLog } from './trap-log';
import { kernelTrapLabel, RETURN_LABEL, trapOf, userTrapLabel, type TrapLabelContext, type Trap } from './trap-label';
import { hasSavedPc, keptBy } from './trap-handler';
import { nowOf, assemblyFrameAt, registersAtEntry, acrossContextSwitch, type AssemblyFrame } from './trap-vector';
import { kernelSpace, tableSpace, userSpace } from '../xv6/address-spaces';
import { processOn } from '../xv6/cpus';
import { NAMES } from '../xv6/names';
import { parkedRegisters, trapFrameRegisters, userTrapHandler, type Process } from '../xv6/processes';
import { systemCallName } from '../xv6/system-calls';

export interface Frame {
  readonly id: number;
  /** The hart that is in the frame; undefined where a process is parked. */
  readonly hart: number | undefined;
  /** Registers of the machine frame; inlined frames share those of the function they are inlined in. */
  readonly registers: FrameRegisters;
  /** Undefined for code of which nothing is known, and for labels. */
  readonly image: MappedProgram | undefined;
  /** The memory that the frame's code sees. */
  readonly space: AddressSpace;
  /** On whose behalf the code runs. */
  readonly process?: Pick<Process, 'pid' | 'name'> | undefined;
  readonly isUser: boolean;
  /** Says what happened between the frames around it, and is none itself. */
  readonly isLabel: boolean;
  /** The linked address at which lines and variables are looked up: within the call, for a frame that called another. */
  readonly lookup: bigint;
  readonly name: string;
  /** As recorded by the compiler. */
  readonly file: string | undefined;
  readonly line: number;
  readonly column: number;
  /** Of the calls inlined at this place, innermost first, the index of the frame's; their number for the function itself. */
  readonly inlinedDepth: number;
}

/** A stack this deep is a broken one; xv6's are one page. */
const DEEPEST = 256;

const SPP = BigInt(Mstatus.spp);

/** What a stack is walked in. */
export type StackGuest = Pick<
  Guest,
  'machine' | 'harts' | 'image' | 'programs' | 'xv6' | 'frame' | 'space' | 'userRoot'
> & {
  /** By which trap each process is in the kernel. */
  readonly traps: TrapLog;
};

/** Frames innermost first, with ids from `firstId`. `origin`: the breakpoint that has stopped the hart. */
export function walkStack(guest: StackGuest, thread: Thread, firstId: number, origin?: BreakpointOrigin): Frame[] {
  return thread.kind === 'hart'
    ? new StackWalk(guest, firstId, guest.harts[thread.hart]!).ofHart(origin)
    : new StackWalk(guest, firstId, undefined, thread.process).ofParked();
}

/**
 * What is below the innermost function of a hart's stack: its caller's registers; or, where a trap began it, whether that
 * came from a user program or from the kernel itself. Undefined if there is nothing, or if it is not known.
 */
export function belowInnermost(guest: StackGuest, hart: Hart): FrameRegisters | 'user' | 'kernel' | undefined {
  const [innermost, ...frames] = walkStack(guest, { kind: 'hart', hart: hart.id }, 1);
  const others = frames.filter(({ registers }) => registers !== innermost?.registers);
  const next = others.find(({ isLabel }) => !isLabel);
  if (!next || !others[0]!.isLabel) return next?.registers;
  return next.isUser ? 'user' : 'kernel';
}

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
    private readonly hart: Hart | undefined,
    private readonly process: Process | undefined = hart && processOn(guest.xv6, hart),
  ) {
    this.handler = process && userTrapHandler(guest.xv6, process);
  }

  ofHart(origin: BreakpointOrigin | undefined): Frame[] {
    const hart = this.hart!;
    this.origin = origin;
    const registers = this.guest.frame(hart);
    const space = this.guest.space(hart);
    if (hart.mode === Mode.User) this.user(registers, space, this.guest.userRoot(hart));
    else this.kernel(registers, space);
    return this.frames;
  }

  ofParked(): Frame[] {
    const process = this.process!;
    const registers = parkedRegisters(this.guest.xv6, process);
    if (!registers) return [];
    this.kernel(resumed(this.guest.image, registers), kernelSpace(this.guest, process));
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
      const passage = image.contains(here.pc) ? assemblyFrameAt(image, here, space.read, this.hart) : undefined;
      if (passage?.kind === 'user vector' || passage?.kind === 'user return') {
        this.belowPassage(passage, here, space);
        return;
      }
      if (passage?.kind === 'machine vector') {
        this.belowMachine(passage.entry, here, space);
        return;
      }
      if (passage?.kind === 'kernel vector') {
        registers = this.interrupted(passage.entry, here, callee, space);
      } else if (passage?.kind === 'switch') {
        registers = acrossSwitch(image, passage.entry, here, space, this.hart);
      } else {
        if (this.isUserTrapHandler(here)) {
          this.belowHandler(here, space);
          return;
        }
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

  /** Below uservec and userret. */
  private belowPassage(passage: AssemblyFrame, here: FrameRegisters, space: AddressSpace): void {
    const user = this.process ? userSpace(this.guest, this.process) : space;
    if (passage.kind !== 'user vector' || here.returnAddress) {
      if (this.process) this.belowFrame(this.trapFrame(), RETURN_LABEL);
      return;
    }
    const pc = this.csr(Csr.sepc);
    const entered = registersAtEntry(passage.entry, here, nowOf(here, user.read, this.hart));
    if (pc === undefined || !entered) return;
    this.belowFrame({ ...entered, pc }, undefined, user);
  }

  /** Below usertrap. */
  private belowHandler(handler: FrameRegisters, space: AddressSpace): void {
    const registers = this.trapFrame();
    if (!registers) {
      this.label(this.userLabel(undefined, undefined), handler, space);
      return;
    }
    const pc = hasSavedPc(this.guest, handler, space.read) === false ? this.csr(Csr.sepc) : undefined;
    this.belowFrame(pc === undefined ? registers : { ...registers, pc });
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
    if (!registers || !space) return;
    const root = this.process?.pagetable ?? (this.hart && this.guest.userRoot(this.hart));
    this.label(label ?? this.userLabel(registers, root), registers, space);
    this.user(registers, space, root);
  }

  /** The registers of what a trap in the kernel interrupted, with the label pushed. */
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
    const own = this.sinceTrap === 0 ? this.csr(Csr.sepc) : undefined;
    const pc = isCode(kept) ? kept : own;
    const before = registersAtEntry(entry, here, nowOf(here, space.read, undefined));
    if (pc === undefined || !isCode(pc) || !before) return undefined;
    const cause =
      keeps('scause') ??
      (own === pc && ((this.csr(Csr.sstatus) ?? 0n) & SPP) !== 0n ? this.csr(Csr.scause) : undefined);
    const trap = cause === undefined ? undefined : trapOf(cause, own === pc ? this.csr(Csr.stval) : undefined);
    const name = handler ? (functionAt(this.guest.image, image.lookup(handler))?.name ?? '') : '';
    this.label(kernelTrapLabel(trap, this.surroundings(undefined), name), before, space);
    this.sinceTrap = this.frames.length;
    return { ...before, pc };
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
    const cause = this.sinceTrap === 0 ? this.csr(Csr.scause) : undefined;
    if (cause !== undefined && ((this.csr(Csr.sstatus) ?? 0n) & SPP) === 0n) {
      const trap = { ...trapOf(cause, this.csr(Csr.stval)), epc: this.csr(Csr.sepc) ?? 0n };
      if (cameFrom(trap, pc)) return trap;
    }
    return root === undefined ? undefined : this.guest.traps.from(root, pc);
  }

  private surroundings(user: FrameRegisters | undefined): TrapLabelContext {
    const { xv6, image } = this.guest;
    return {
      functions: this.frames.slice(this.sinceTrap).map(({ name }) => name),
      systemCall: () => {
        const number = user?.x[X.a7];
        return number === undefined ? 'unknown' : (systemCallName(xv6, number) ?? String(BigInt.asIntN(64, number)));
      },
      relaysTimer: image.binary.symbol(NAMES.timerVector) !== undefined,
    };
  }

  private trapFrame(): FrameRegisters | undefined {
    return this.process && trapFrameRegisters(this.guest.xv6, this.process);
  }

  /** By the address that uservec jumps to, which the kernel keeps in the trap frame. */
  private isUserTrapHandler(registers: FrameRegisters): boolean {
    const info = functionAt(this.guest.image, this.guest.image.lookup(registers));
    return info !== undefined && (info.name === NAMES.userTrap || info.low === this.handler);
  }

  /** A process that is new begins in a function that nobody has called: ra is still its own address. */
  private begins(here: FrameRegisters, caller: FrameRegisters | undefined): boolean {
    const info = functionAt(this.guest.image, this.guest.image.lookup(here));
    if (!info || !this.process) return false;
    return info.name === NAMES.firstRun || (caller !== undefined && caller.pc === info.low);
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
    const name = binary.functionAt(lookup)?.name ?? binary.symbolAt(lookup)?.symbol.name ?? hex(registers.pc);
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

/** A function of C or of assembly. */
function functionAt({ binary }: MappedProgram, linked: bigint): { name: string; low: bigint } | undefined {
  const info = binary.functionAt(linked);
  if (info) return info;
  const symbol = binary.symbolAt(linked)?.symbol;
  return symbol && { name: symbol.name, low: symbol.address };
}

/** Whether a frame is in the function at which its program begins: that has no caller, whatever ra holds. */
const isEntry = (image: MappedProgram, lookup: bigint): boolean =>
  functionAt(image, lookup)?.low === image.binary.entry;

/** Where a context switch returns to: after a call of it, or the start of a thread that has not run yet. */
function resumed(image: MappedProgram, registers: FrameRegisters): FrameRegisters {
  const begins = image.contains(registers.pc) && functionAt(image, registers.pc)?.low === registers.pc;
  return { ...registers, returnAddress: !begins };
}

function acrossSwitch(
  image: MappedProgram,
  entry: bigint,
  here: FrameRegisters,
  { read }: AddressSpace,
  hart: Hart | undefined,
): FrameRegisters | undefined {
  const caller = acrossContextSwitch(entry, here, nowOf(here, read, hart));
  return caller && resumed(image, caller);
}
