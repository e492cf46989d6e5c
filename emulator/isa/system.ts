/** Zicsr and the privileged instructions (RISC-V privileged specification 1.12, sections 3.3 and 4.2). */
import { type Instruction, SystemOperation, instruction } from './instruction';

const csr = (name: string, funct3: string, operation: SystemOperation): Instruction =>
  instruction(name, `csr rs1 ${funct3} rd 1110011`, 'rd, csr, rs1', (b) => b.system(operation));
const csrImmediate = (name: string, funct3: string, operation: SystemOperation): Instruction =>
  instruction(name, `csr uimm5 ${funct3} rd 1110011`, 'rd, csr, uimm', (b) => b.system(operation));
const bare = (name: string, funct12: string, operation: SystemOperation): Instruction =>
  instruction(name, `${funct12} 00000 000 00000 1110011`, '', (b) => b.system(operation));

export const SYSTEM: readonly Instruction[] = [
  csr('csrrw', '001', SystemOperation.csrrw),
  csr('csrrs', '010', SystemOperation.csrrs),
  csr('csrrc', '011', SystemOperation.csrrc),
  csrImmediate('csrrwi', '101', SystemOperation.csrrwi),
  csrImmediate('csrrsi', '110', SystemOperation.csrrsi),
  csrImmediate('csrrci', '111', SystemOperation.csrrci),
  bare('ecall', '000000000000', SystemOperation.ecall),
  bare('ebreak', '000000000001', SystemOperation.ebreak),
  bare('sret', '000100000010', SystemOperation.sret),
  bare('mret', '001100000010', SystemOperation.mret),
  bare('wfi', '000100000101', SystemOperation.wfi),
  instruction('sfence.vma', '0001001 rs2 rs1 000 00000 1110011', 'rs1, rs2', (b) =>
    b.system(SystemOperation.sfenceVma),
  ),
];
