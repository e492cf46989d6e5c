/**
 * Floating-point instructions as a whole, in every case: whether mstatus.FS allows them, the rounding mode, exceptions, and
 * that state becomes dirty. RISC-V unprivileged specification, section 11.2; privileged specification 1.12, section 3.1.6.6.
 */
import { Mstatus } from '../isa/csr-bits';
import type { Rounding } from '../isa/floating-point/format';
import { type Decoded, decode } from '../isa/instructions/decode';
import { Cell, Status } from '../layout';
import type { MemoryAccess } from './access';
import type { HartState } from './hart';

/** The mode that takes the one in frm; the last of those that round. */
const DYNAMIC = 7;
const LAST_ROUNDING = 4;

/** Executes the instruction at hand; undefined, and nothing done, if it is illegal. */
export function executeFloat(hart: HartState, access: MemoryAccess): Status | undefined {
  if (!hart.hasFloats) return undefined;
  const decoded = decode(hart.word)!;
  const { instruction } = decoded;
  const status = instruction.access ? load(hart, decoded, access) : compute(hart, decoded);
  // As QEMU has it, flags alone do not make the state dirty.
  if (status === Status.done && instruction.hasFd) hart.setFloatStatus(Mstatus.fs);
  return status;
}

/** A load, which has been left to us only because the state was not dirty. */
function load(hart: HartState, { instruction, imm }: Decoded, access: MemoryAccess): Status {
  hart.address = BigInt.asUintN(64, hart.rs1 + BigInt(imm));
  const { bytes } = instruction.access!;
  const status = access.load(hart, bytes, false);
  if (bytes < 8 && status === Status.done) hart.boxRd();
  return status;
}

function compute(hart: HartState, { instruction, rs1, floats }: Decoded): Status | undefined {
  const { float, hasFs1, hasFd } = instruction;
  const { fd, fs1, fs2, fs3, rm } = floats!;
  const fcsr = hart.low(Cell.fcsr);
  const rounding = rm === DYNAMIC ? fcsr >> 5 : rm;
  if (float!.rounds && rounding > LAST_ROUNDING) return undefined;
  const env = { rounding: rounding as Rounding, flags: 0 };
  const value = float!.result(env, hasFs1 ? hart.f(fs1) : hart.x(rs1), hart.f(fs2), hart.f(fs3));
  if (env.flags !== 0) hart.setLow(Cell.fcsr, fcsr | env.flags);
  if (hasFd) hart.setF(fd, value);
  else hart.setRd(value, 8, false);
  return Status.done;
}
