/**
 * What an instruction that only computes writes to rd, for given operands: its meaning from the table, compiled as a
 * function of its own. For a debugger, which asks for few of them.
 */
import { type Code, ValueType, local } from '../../wasm/assembler';
import { ModuleBuilder } from '../../wasm/module';
import { upperProduct } from '../../wasm/upper-product';
import type { Decoded } from './decode';
import type { Instruction } from './instruction';

type Evaluate = (rs1: bigint, rs2: bigint, imm: bigint, pc: bigint) => bigint;

const compiled = new Map<Instruction, Evaluate | undefined>();

/** The new value of rd, unsigned; undefined if the instruction does anything else, or has no rd. */
export function instructionResult(
  { instruction, imm }: Decoded,
  operands: { rs1: bigint; rs2: bigint; pc: bigint },
): bigint | undefined {
  if (!compiled.has(instruction)) compiled.set(instruction, compile(instruction));
  const result = compiled.get(instruction)?.(operands.rs1, operands.rs2, BigInt(imm), operands.pc);
  return result === undefined ? undefined : BigInt.asUintN(64, result);
}

function compile({ control, access, system, hasRd, hasFloats, meaning }: Instruction): Evaluate | undefined {
  if (control !== 'none' || access !== undefined || system !== undefined || !hasRd || hasFloats) return undefined;
  const [rs1, rs2, imm, pc] = [local.get(0), local.get(1), local.get(2), local.get(3)] as const;
  let value: Code | undefined;
  const others = (): never => {
    throw new Error('an instruction that only computes has no other effect');
  };
  meaning({
    ...{ rs1, rs2, imm, pc },
    get link() {
      return others();
    },
    get fs1() {
      return others();
    },
    get fs2() {
      return others();
    },
    write: (result) => ((value = result), []),
    mulhu: (a, b) => upperProduct(a, b, 4, 5),
    ...{
      load: others,
      store: others,
      atomic: others,
      loadReserved: others,
      storeConditional: others,
      order: () => [],
      branch: others,
      jump: others,
      jumpTo: others,
      system: others,
      writeFloat: others,
      usesFloats: others,
      float: others,
    },
  });
  if (value === undefined) return undefined;
  const module = new ModuleBuilder();
  module.define({
    exported: 'evaluate',
    parameters: [ValueType.I64, ValueType.I64, ValueType.I64, ValueType.I64],
    results: [ValueType.I64],
    locals: [ValueType.I64, ValueType.I64],
    code: value,
  });
  const env = { memory: new WebAssembly.Memory({ initial: 1 }) };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env });
  return exports['evaluate'] as Evaluate;
}
