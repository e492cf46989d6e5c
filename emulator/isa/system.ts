/** Zicsr and the privileged instructions (RISC-V privileged specification 1.12, sections 3.3 and 4.2). */
import { type Instruction, Operation, instruction } from './instruction';

const csr = (name: string, funct3: string, operation: Operation): Instruction =>
  instruction(name, `csr rs1 ${funct3} rd 1110011`, 'rd, csr, rs1', (b) => b.environment(operation));
const csrImmediate = (name: string, funct3: string, operation: Operation): Instruction =>
  instruction(name, `csr uimm5 ${funct3} rd 1110011`, 'rd, csr, uimm', (b) => b.environment(operation));
const bare = (name: string, funct12: string, operation: Operation): Instruction =>
  instruction(name, `${funct12} 00000 000 00000 1110011`, '', (b) => b.environment(operation));

export const SYSTEM: readonly Instruction[] = [
  csr('csrrw', '001', Operation.csrrw),
  csr('csrrs', '010', Operation.csrrs),
  csr('csrrc', '011', Operation.csrrc),
  csrImmediate('csrrwi', '101', Operation.csrrwi),
  csrImmediate('csrrsi', '110', Operation.csrrsi),
  csrImmediate('csrrci', '111', Operation.csrrci),
  bare('ecall', '000000000000', Operation.ecall),
  bare('ebreak', '000000000001', Operation.ebreak),
  bare('sret', '000100000010', Operation.sret),
  bare('mret', '001100000010', Operation.mret),
  bare('wfi', '000100000101', Operation.wfi),
  instruction('sfence.vma', '0001001 rs2 rs1 000 00000 1110011', 'rs1, rs2', (b) => b.environment(Operation.sfenceVma)),
];
