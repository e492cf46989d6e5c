/** Zicsr and the privileged instructions (RISC-V privileged specification 1.12, sections 3.3 and 4.2). */
import { CsrUpdate, type Instruction, type Kind, SystemOperation, instruction } from './instruction';

const system = (name: string, encoding: string, operands: string, kind: Partial<Kind> & { system: SystemOperation }) =>
  instruction(name, encoding, operands, (b) => b.system(kind.system), kind);
const csr = (name: string, funct3: string, operation: SystemOperation, update: CsrUpdate): Instruction =>
  system(name, `csr rs1 ${funct3} rd 1110011`, 'rd, csr, rs1', {
    system: operation,
    csr: { update, immediate: false },
  });
const csrImmediate = (name: string, funct3: string, operation: SystemOperation, update: CsrUpdate): Instruction =>
  system(name, `csr uimm5 ${funct3} rd 1110011`, 'rd, csr, uimm', {
    ...{ system: operation, csr: { update, immediate: true } },
  });
const bare = (name: string, funct12: string, operation: SystemOperation, control: Kind['control']): Instruction =>
  system(name, `${funct12} 00000 000 00000 1110011`, '', { system: operation, control });

/** Zicsr and the privileged instructions. */
export const SYSTEM: readonly Instruction[] = [
  csr('csrrw', '001', SystemOperation.csrrw, CsrUpdate.write),
  csr('csrrs', '010', SystemOperation.csrrs, CsrUpdate.set),
  csr('csrrc', '011', SystemOperation.csrrc, CsrUpdate.clear),
  csrImmediate('csrrwi', '101', SystemOperation.csrrwi, CsrUpdate.write),
  csrImmediate('csrrsi', '110', SystemOperation.csrrsi, CsrUpdate.set),
  csrImmediate('csrrci', '111', SystemOperation.csrrci, CsrUpdate.clear),
  bare('ecall', '000000000000', SystemOperation.ecall, 'trap'),
  bare('ebreak', '000000000001', SystemOperation.ebreak, 'trap'),
  bare('sret', '000100000010', SystemOperation.sret, 'trap'),
  bare('mret', '001100000010', SystemOperation.mret, 'trap'),
  bare('wfi', '000100000101', SystemOperation.wfi, 'none'),
  system('sfence.vma', '0001001 rs2 rs1 000 00000 1110011', 'rs1, rs2', { system: SystemOperation.sfenceVma }),
];

/** The instruction word of `sret`, unsigned. */
export const SRET = SYSTEM.find(({ system }) => system === SystemOperation.sret)!.match >>> 0;
