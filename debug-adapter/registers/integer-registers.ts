/**
 * ABI names of the integer registers (RISC-V ELF psABI, table 1).
 */

/** By register number. */
export const ABI_NAMES: readonly string[] = [
  'zero', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2', 's0', 's1', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5',
  'a6', 'a7', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10', 's11', 't3', 't4', 't5', 't6',
]; // prettier-ignore

const NUMBERS = new Map<string, number>([
  ...ABI_NAMES.map((name, number) => [name, number] as const),
  ...ABI_NAMES.map((_, number) => [`x${number}`, number] as const),
  ['fp', 8],
]);

/** The number of a register by its ABI name, `x` name or `fp`. */
export const registerNumber = (name: string): number | undefined => NUMBERS.get(name);

/** Names of the privilege modes by encoding. */
export const MODE_NAMES: Record<number, string> = { 0: 'user mode', 1: 'supervisor mode', 3: 'machine mode' };
