/** How a hart's CSRs are stored, and the bits in them that the machine itself looks at. */

/** The CSRs that are storage, by their cell in the hart's block (u64 each). */
export const enum Cell {
  mstatus,
  medeleg,
  mideleg,
  mie,
  /** Only the bits that software may write; the rest are the lines. */
  mip,
  mtvec,
  mscratch,
  mepc,
  mcause,
  mtval,
  mcounteren,
  menvcfg,
  stvec,
  sscratch,
  sepc,
  scause,
  stval,
  scounteren,
  senvcfg,
  satp,
  stimecmp,
  pmpcfg0,
  pmpcfg2,
  pmpaddr0,
  count = pmpaddr0 + 16,
}

/** Bits of mip and mie. */
export const enum Interrupt {
  ssip = 1 << 1,
  msip = 1 << 3,
  stip = 1 << 5,
  mtip = 1 << 7,
  seip = 1 << 9,
  meip = 1 << 11,
}

/** Fields of mstatus, all in its low half. */
export const enum Mstatus {
  sie = 1 << 1,
  mie = 1 << 3,
  spie = 1 << 5,
  mpie = 1 << 7,
  spp = 1 << 8,
  mpp = 3 << 11,
  mprv = 1 << 17,
  sum = 1 << 18,
  mxr = 1 << 19,
  tvm = 1 << 20,
  tw = 1 << 21,
  tsr = 1 << 22,
}
export const MPP_SHIFT = 11;
