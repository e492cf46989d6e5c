/**
 * A program as it lies in the guest's address spaces. The kernel is mapped where it was linked, except for the trampoline
 * page, which xv6 maps a second time at the top of every address space; there it runs. Everything that looks up an
 * address of running code goes through here, so that symbols, lines and breakpoints hold at both places.
 */
import { PAGE_SIZE } from '../../emulator/isa/sv39';
import type { Binary, FrameRegisters, InlinedCall, ReadMemory } from '../symbols/api';
import { onTrampoline, topPages, type TopPages } from '../xv6/trampoline';

/** Of a breakpoint in a line or on a function, what tells which of the calls inlined at its place was meant. */
export interface BreakpointOrigin {
  kind: 'line' | 'function';
  /** As the debug information records it. */
  file?: string | undefined;
  line?: number | undefined;
  name?: string;
}

const sameCall = (a: InlinedCall | undefined, b: InlinedCall | undefined): boolean =>
  a?.name === b?.name && a?.callFile === b?.callFile && a?.callLine === b?.callLine;

export class MappedProgram {
  readonly binary: Binary;
  private readonly top: TopPages;

  constructor(binary: Binary) {
    this.binary = binary;
    this.top = topPages(binary);
  }

  /** The address in the binary of code that runs at `pc`. */
  linked(pc: bigint): bigint {
    const { linked, trampoline } = this.top;
    return linked !== undefined && onTrampoline(this.top, pc) ? pc - trampoline + linked : pc;
  }

  /** Every address at which code linked at `address` may run. */
  running(address: bigint): bigint[] {
    const { linked, trampoline } = this.top;
    return linked !== undefined && address >= linked && address < linked + PAGE_SIZE
      ? [address, address - linked + trampoline]
      : [address];
  }

  /** Whether `pc` lies in the program's code. */
  contains(pc: bigint): boolean {
    const address = this.linked(pc);
    return this.binary.segments.some(
      (segment) =>
        segment.executable &&
        address >= segment.virtualAddress &&
        address < segment.virtualAddress + segment.memorySize,
    );
  }

  /** Linked addresses in the code that have a certain instruction word of four bytes. */
  wordsOf(word: number): bigint[] {
    return this.binary.segments
      .filter(({ executable }) => executable)
      .flatMap(({ virtualAddress, bytes }) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        const found: bigint[] = [];
        for (let at = 0; at + 4 <= bytes.length; at += 2)
          if (view.getUint32(at, true) === word) found.push(virtualAddress + BigInt(at));
        return found;
      });
  }

  /** The address at which a frame's function, line and variables are looked up: within the call, if pc is where it returns. */
  lookup(frame: FrameRegisters): bigint {
    return this.linked(frame.pc) - (frame.returnAddress === true ? 1n : 0n);
  }

  /**
   * The inlined calls that a hart about to execute at a linked address is in, innermost first. One that begins right there
   * has not been made yet: the hart still stands at the line that calls, as a reader of the source sees it.
   */
  inlinedCalls(address: bigint): InlinedCall[] {
    const here = this.binary.inlinedCallsAt(address);
    if (here.length === 0) return here;
    const before = this.binary.inlinedCallsAt(address - 1n);
    let entered = 0;
    while (entered < here.length && sameCall(here.at(-1 - entered), before.at(-1 - entered))) entered++;
    return here.slice(here.length - entered);
  }

  /**
   * The same for a hart that a breakpoint in a line or on a function has stopped there, which may be in one of the calls
   * that begin there: the one whose line or name the user chose counts as made.
   */
  inlinedCallsAtBreakpoint(address: bigint, origin: BreakpointOrigin): InlinedCall[] {
    const all = this.binary.inlinedCallsAt(address);
    const name = origin.name?.replace(/^.*[:!]/, '');
    const index =
      origin.kind === 'line' ? this.levelOf(origin, address, all) : all.findIndex((call) => call.name === name);
    const entered = this.inlinedCalls(address);
    return index >= 0 && all.length - index > entered.length ? all.slice(index) : entered;
  }

  /** Which of the functions at an address a line is in: 0 the innermost, -1 if none. */
  private levelOf({ file, line = 0 }: BreakpointOrigin, address: bigint, calls: readonly InlinedCall[]): number {
    const here = this.binary.lineAt(address);
    // The current line of each function: of the innermost its own, of the others that of the call within.
    const lines = [here, ...calls.map((call) => ({ file: call.callFile, line: call.callLine }))].map((current) =>
      current && current.file === file ? (current.line ?? 0) : 0,
    );
    // A line that leaves nothing but a mark is before the current one.
    const next = Math.min(...lines.filter((current) => current >= line));
    return lines.indexOf(next);
  }

  /** The registers of the caller, or undefined where the program's own stack ends. */
  caller(frame: FrameRegisters, read: ReadMemory): FrameRegisters | undefined {
    const found = this.binary.unwind(this.linkedFrame(frame), read);
    return found && this.contains(found.pc) ? found : undefined;
  }

  /** The frame as the binary knows it: with the linked address in pc. */
  linkedFrame(frame: FrameRegisters): FrameRegisters {
    return { ...frame, pc: this.linked(frame.pc) };
  }
}
