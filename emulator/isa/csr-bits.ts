/** Bits of the CSRs that the machine itself looks at (RISC-V privileged specification 1.12, chapters 3 and 4). */
import { InterruptCause } from './causes';

/** Bits of mip and mie. */
export const enum Interrupt {
  ssip = 1 << InterruptCause.supervisorSoftware,
  msip = 1 << InterruptCause.machineSoftware,
  stip = 1 << InterruptCause.supervisorTimer,
  mtip = 1 << InterruptCause.machineTimer,
  seip = 1 << InterruptCause.supervisorExternal,
  meip = 1 << InterruptCause.machineExternal,
}

/** Fields of mstatus, all in its low half. */
export const enum Mstatus {
  sie = 1 << 1,
  mie = 1 << 3,
  spie = 1 << 5,
  mpie = 1 << 7,
  spp = 1 << 8,
  mpp = 3 << 11,
  fs = 3 << 13,
  mprv = 1 << 17,
  sum = 1 << 18,
  mxr = 1 << 19,
  tvm = 1 << 20,
  tw = 1 << 21,
  tsr = 1 << 22,
}
export const MPP_SHIFT = 11;

/** satp.MODE: no translation, and Sv39, the only scheme that the machine has. */
export const SATP_BARE = 0n;
export const SATP_SV39 = 8n;

/** menvcfg.STCE: stimecmp exists (Sstc). */
export const MENVCFG_STCE = 1n << 63n;
