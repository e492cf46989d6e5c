/** What the memory side of the machine knows of a hart: what decides on its translations, and who it is. */
import type { Cell } from '../layout';
import type { Mode } from '../types';

/** A hart by its number, and where it is: for reports of what it has touched. */
export interface AccessingHart {
  readonly id: number;
  /** Address of the instruction that it executes. */
  readonly pc: bigint;
}

/** A hart whose addresses are translated. There is one class of these (cpu/hart.ts), so that calls stay direct. */
export interface TranslatingHart extends AccessingHart {
  /** Host address of its block, in which its TLBs lie (layout.ts). */
  readonly block: number;
  readonly mode: Mode;
  /** The mode in which loads and stores are judged (mstatus.MPRV). */
  readonly dataMode: Mode;
  /** A CSR that decides: satp, mstatus, or of PMP; whole, and its signed halves. */
  cell(cell: Cell): bigint;
  low(cell: Cell): number;
  high(cell: Cell): number;
  /** Selects the TLB context in which the generated code looks, by its host address. */
  set tlb(host: number);
}
