/**
 * A disassembly as text, in the format of objdump's listings (`80000e16:  1141  addi sp,sp,-16`), so that the hover reads
 * both in the same way. The instructions come from the protocol's `disassemble` request.
 */

/** The parts of the protocol's DisassembledInstruction that are used here. */
export interface ListedInstruction {
  address: string;
  instructionBytes?: string;
  instruction: string;
  symbol?: string;
  location?: { path?: string; name?: string };
  line?: number;
  presentationHint?: string;
}

export interface Listing {
  text: string;
  /** 0-based line of the instruction at pc, -1 if it is not among them. */
  current: number;
}

/** The address in a memory reference of the adapter, which may begin with the address space: "user:2:0xb40". */
export const addressIn = (reference: string): bigint => BigInt(reference.slice(reference.lastIndexOf(':') + 1));

/** Instructions with their symbols and source lines, with an arrow at `pc`. */
export function listing(instructions: readonly ListedInstruction[], pc: bigint): Listing {
  const lines: string[] = [];
  let current = -1;
  let symbol: string | undefined;
  let source = '';
  for (const instruction of instructions) {
    const address = addressOf(instruction);
    if (address === undefined || instruction.presentationHint === 'invalid') continue;
    const name = instruction.symbol?.replace(/\+0x[\da-f]+$/, '');
    if (name !== undefined && name !== symbol) {
      symbol = name;
      if (lines.length > 0) lines.push('');
      lines.push(`${address.toString(16).padStart(16, '0')} <${instruction.symbol}>:`);
    }
    const { location, line } = instruction;
    const file = location?.path ?? location?.name;
    if (file !== undefined && line !== undefined && source !== `${file}:${line}`) {
      source = `${file}:${line}`;
      lines.push(`                  # ${file.split('/').slice(-2).join('/')}:${line}`);
    }
    if (address === pc) current = lines.length;
    const bytes = (instruction.instructionBytes ?? '').replaceAll(' ', '').padEnd(10);
    lines.push(`${address === pc ? '=> ' : '   '}${address.toString(16)}:  ${bytes}  ${instruction.instruction}`);
  }
  return { text: lines.join('\n') + '\n', current };
}

function addressOf({ address }: ListedInstruction): bigint | undefined {
  return /^(0x[\da-f]{1,16}|\d{1,20})$/i.test(address) ? BigInt(address) : undefined;
}
