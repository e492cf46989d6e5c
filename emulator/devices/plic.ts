/**
 * The platform-level interrupt controller, laid out and behaving as on QEMU's `virt` board (hw/intc/sifive_plic.c of
 * QEMU 7.2; the RISC-V PLIC specification). Context 2h is hart h in M-mode, 2h + 1 in S-mode.
 *
 * As in QEMU, and unlike the gateways of the specification, a source becomes pending each time a device *drives* its line
 * high, even if the line is high already or the source is claimed; completing a claim does not sample the line. Kernels
 * rely on this: one that never reads the UART's IIR leaves that line high for good, and would take the interrupt for ever.
 */
import type { Board, Device } from '../device';
import { type AccessSize, Mode, type State } from '../types';
import { MemoryMap } from './memory-map';
import { SavedState } from '../history/saved-state';

/** Sources are 1 to 95; 0 means none. */
const SOURCES = 96;
const WORDS = SOURCES / 32;
/** Priorities and thresholds have three bits. */
const PRIORITY_MASK = 7;

const PENDING = 0x1000;
const ENABLE = 0x2000;
const ENABLE_STRIDE = 0x80;
const CONTEXT = 0x200000;
const CONTEXT_STRIDE = 0x1000;
const THRESHOLD = 0;
const CLAIM = 4;

export class Plic implements Device {
  readonly name = 'plic';
  readonly base = MemoryMap.plic.base;
  readonly size = MemoryMap.plic.size;

  private readonly contexts: number;
  private readonly priority = new Uint32Array(SOURCES);
  private readonly pending = new Uint32Array(WORDS);
  private readonly claimed = new Uint32Array(WORDS);
  /** `WORDS` words for each context. */
  private readonly enable: Uint32Array;
  private readonly threshold: Uint32Array;
  /** The last level driven on each context's hart line. */
  private readonly level: Uint8Array;

  constructor(private readonly board: Pick<Board, 'harts' | 'setHartLine'>) {
    this.contexts = 2 * board.harts;
    this.enable = new Uint32Array(WORDS * this.contexts);
    this.threshold = new Uint32Array(this.contexts);
    this.level = new Uint8Array(this.contexts);
  }

  /** Drives the line of a source: high makes it pending, even if it was high before; low leaves it pending. */
  setSource(source: number, level: boolean): void {
    if (source < 1 || source >= SOURCES)
      throw new RangeError(`PLIC source ${source}: the board has 1 to ${SOURCES - 1}`);
    if (!level) return;
    setBit(this.pending, source, true);
    this.update();
  }

  read(offset: number, size: AccessSize): bigint | undefined {
    if (size !== 4 || offset % 4 !== 0) return undefined;
    return BigInt(this.readRegister(offset));
  }

  write(offset: number, size: AccessSize, value: bigint): boolean {
    if (size !== 4 || offset % 4 !== 0) return false;
    this.writeRegister(offset, Number(value));
    this.update();
    return true;
  }

  reset(): void {
    for (const registers of [this.priority, this.pending, this.claimed, this.enable, this.threshold]) registers.fill(0);
    this.drive();
  }

  save(): State {
    return {
      priority: [...this.priority],
      pending: [...this.pending],
      claimed: [...this.claimed],
      enable: [...this.enable],
      threshold: [...this.threshold],
    };
  }

  restore(state: State): void {
    const saved = new SavedState(this.name, state);
    this.priority.set(saved.numbers('priority', this.priority.length));
    this.pending.set(saved.numbers('pending', this.pending.length));
    this.claimed.set(saved.numbers('claimed', this.claimed.length));
    this.enable.set(saved.numbers('enable', this.enable.length));
    this.threshold.set(saved.numbers('threshold', this.threshold.length));
    this.drive();
  }

  private readRegister(offset: number): number {
    if (offset < PENDING) return this.priority[offset >> 2] ?? 0;
    if (offset < ENABLE) return this.pending[(offset - PENDING) >> 2] ?? 0;
    if (offset < CONTEXT) {
      const index = this.enableIndex(offset);
      return index === undefined ? 0 : this.enable[index]!;
    }
    const context = Math.floor((offset - CONTEXT) / CONTEXT_STRIDE);
    if (context >= this.contexts) return 0;
    switch (offset % CONTEXT_STRIDE) {
      case THRESHOLD:
        return this.threshold[context]!;
      case CLAIM:
        return this.claim(context);
      default:
        return 0;
    }
  }

  private writeRegister(offset: number, value: number): void {
    if (offset < PENDING) {
      const source = offset >> 2;
      if (source >= 1 && source < SOURCES) this.priority[source] = value & PRIORITY_MASK;
    } else if (offset >= ENABLE && offset < CONTEXT) {
      const index = this.enableIndex(offset);
      if (index !== undefined) this.enable[index] = value;
    } else if (offset >= CONTEXT) {
      const context = Math.floor((offset - CONTEXT) / CONTEXT_STRIDE);
      if (context >= this.contexts) return;
      if (offset % CONTEXT_STRIDE === THRESHOLD) this.threshold[context] = value & PRIORITY_MASK;
      else if (offset % CONTEXT_STRIDE === CLAIM && value < SOURCES) setBit(this.claimed, value, false);
    }
  }

  /** Index into `enable`, undefined where the layout leaves a hole. */
  private enableIndex(offset: number): number | undefined {
    const context = Math.floor((offset - ENABLE) / ENABLE_STRIDE);
    const word = (offset % ENABLE_STRIDE) >> 2;
    return context < this.contexts && word < WORDS ? context * WORDS + word : undefined;
  }

  private claim(context: number): number {
    const source = this.best(context);
    if (source !== 0) {
      setBit(this.pending, source, false);
      setBit(this.claimed, source, true);
      this.update();
    }
    return source;
  }

  /** The source the context would claim now: highest priority above the threshold, then lowest number; 0 if none. */
  private best(context: number): number {
    let best = 0;
    let priority = this.threshold[context]!;
    for (let word = 0; word < WORDS; word++) {
      let candidates = this.pending[word]! & ~this.claimed[word]! & this.enable[context * WORDS + word]!;
      while (candidates !== 0) {
        const bit = 31 - Math.clz32(candidates & -candidates);
        candidates &= candidates - 1;
        const source = word * 32 + bit;
        if (this.priority[source]! > priority) {
          best = source;
          priority = this.priority[source]!;
        }
      }
    }
    return best;
  }

  /** The source that a hart would claim now in S-mode or M-mode; 0 if none. */
  sourceFor(hart: number, mode: Mode): number {
    return this.best(2 * hart + (mode === Mode.Supervisor ? 1 : 0));
  }

  private update(): void {
    for (let context = 0; context < this.contexts; context++) {
      const level = this.best(context) === 0 ? 0 : 1;
      if (level !== this.level[context]) this.setLine(context, level);
    }
  }

  private drive(): void {
    for (let context = 0; context < this.contexts; context++) this.setLine(context, this.best(context) === 0 ? 0 : 1);
  }

  private setLine(context: number, level: number): void {
    this.level[context] = level;
    this.board.setHartLine(context >> 1, context & 1 ? 'seip' : 'meip', level === 1);
  }
}

function setBit(words: Uint32Array, bit: number, level: boolean): void {
  if (level) words[bit >> 5]! |= 1 << (bit & 31);
  else words[bit >> 5]! &= ~(1 << (bit & 31));
}
