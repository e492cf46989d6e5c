/** The registers by their names in the RISC-V calling convention (RISC-V ELF psABI, "Register Convention"). */
export const X_NAMES = [
  ...(['zero', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2', 's0', 's1', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5'] as const),
  ...(['a6', 'a7', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10', 's11', 't3', 't4', 't5', 't6'] as const),
] as const;

export type XName = (typeof X_NAMES)[number];

/** The numbers of the registers, 0 to 31, by their names: `X.sp` is 2. */
export const X = Object.fromEntries(X_NAMES.map((name, number) => [name, number])) as Readonly<Record<XName, number>>;

/** The floating-point registers f0 to f31. */
export const F_NAMES = [
  ...(['ft0', 'ft1', 'ft2', 'ft3', 'ft4', 'ft5', 'ft6', 'ft7', 'fs0', 'fs1', 'fa0', 'fa1', 'fa2', 'fa3'] as const),
  ...(['fa4', 'fa5', 'fa6', 'fa7', 'fs2', 'fs3', 'fs4', 'fs5', 'fs6', 'fs7', 'fs8', 'fs9', 'fs10', 'fs11'] as const),
  ...(['ft8', 'ft9', 'ft10', 'ft11'] as const),
] as const;

/** The number of f0 among all registers: debuggers and DWARF count these after x0 to x31 (psABI, "DWARF Register Numbers"). */
export const FIRST_FLOAT = 32;

const NUMBERS = new Map<string, number>([
  ...X_NAMES.map((name, number): [string, number] => [name, number]),
  ...X_NAMES.map((_, number): [string, number] => [`x${number}`, number]),
  ['fp', X.s0],
  ...F_NAMES.map((name, number): [string, number] => [name, FIRST_FLOAT + number]),
  ...F_NAMES.map((_, number): [string, number] => [`f${number}`, FIRST_FLOAT + number]),
]);

/** The number of a register by its name in the calling convention, its `x` or `f` name or `fp`. */
export const registerNumber = (name: string): number | undefined => NUMBERS.get(name);
