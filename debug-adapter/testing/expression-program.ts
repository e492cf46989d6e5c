/** The program that the specs of expressions use: a few declarations of every kind that C has. */
import type { EvaluationContext } from '../expressions/value';
import type { EnumType, RecordType } from '../symbols/api';
import * as C from '../expressions/types';
import { arrayOf, layOut, struct, TestProgram, typedef } from './program';

export const PROC = 0x80010000n;

export function expressionProgram(): TestProgram {
  const program = new TestProgram();
  const uint64 = typedef('uint64', C.UNSIGNED_LONG);
  const state: EnumType = {
    kind: 'enum',
    name: 'procstate',
    size: 4,
    signed: false,
    values: ['UNUSED', 'SLEEPING', 'RUNNING'].map((name, i) => ({ name, value: BigInt(i) })),
  };
  const file = struct('file', { type: C.INT, ref: C.INT });
  const proc: RecordType = { kind: 'struct', name: 'proc', size: 0, complete: true, members: [] };
  const inner = struct(undefined, { low: C.INT, wide: C.LONG }, 'union');
  layOut(proc, {
    pid: C.INT,
    state,
    parent: C.pointerTo(proc),
    sz: uint64,
    ofile: arrayOf(C.pointerTo(file), 8),
    name: arrayOf(C.CHAR, 16),
    _unnamed: inner,
    run: C.pointerTo({ kind: 'function', result: C.VOID, parameters: [C.INT], variadic: false }),
    entry: C.pointerTo({ kind: 'const', target: C.CHAR }),
  });
  const flags: RecordType = {
    kind: 'struct',
    name: 'flags',
    size: 4,
    complete: true,
    members: [
      { name: 'valid', type: C.UNSIGNED, offset: 0, bitSize: 1, bitOffset: 0 },
      { name: 'level', type: C.INT, offset: 0, bitSize: 3, bitOffset: 1 },
      { name: 'rest', type: C.UNSIGNED, offset: 0, bitSize: 12, bitOffset: 4 },
    ],
  };
  program.addType('uint64', uint64);
  program.addType('pagetable_t', typedef('pagetable_t', C.pointerTo(uint64)));
  program.addType('struct proc', proc);
  program.addType('struct file', file);
  program.addType('struct flags', flags);
  program.addType('enum procstate', state);
  program.addFunction('main', 0x80000100n, 0x80000180n, {
    kind: 'function',
    result: C.INT,
    parameters: [],
    variadic: false,
  });
  program.addGlobal('proc', arrayOf(proc, 4), PROC);
  program.addGlobal('ticks', C.UNSIGNED, 0x80001000n);
  program.addGlobal('matrix', arrayOf(arrayOf(C.INT, 3), 2), 0x80001010n);
  program.addGlobal('flags', flags, 0x80001040n);
  program.addGlobal('zeroes', arrayOf(C.INT, 64), 0x80001100n);
  program.addSymbol('etext', 0x80008000n, 0n, 'none');
  program.addLocal('p', C.pointerTo(proc), { kind: 'register', register: 9 });
  program.addLocal('i', C.INT, { kind: 'memory', address: 0x80002000n });
  program.addLocal('small', C.SIGNED_CHAR, { kind: 'memory', address: 0x80002004n });
  program.addLocal('letter', C.CHAR, { kind: 'memory', address: 0x80002005n });
  program.addLocal('yes', C.BOOL, { kind: 'memory', address: 0x80002006n });
  program.addLocal('gone', C.INT, { kind: 'optimized-out' });
  program.addLocal('a1', C.INT, { kind: 'memory', address: 0x80002008n });
  program.addLocal('half', C.LONG, {
    kind: 'pieces',
    pieces: [
      { location: { kind: 'value', value: 7n }, size: 4 },
      { location: { kind: 'memory', address: 0x80002000n }, size: 4 },
    ],
  });

  const offsetOf = (name: string) => BigInt(C.findMember(proc, name)!.offset);
  const second = PROC + BigInt(proc.size);
  program.poke(PROC + offsetOf('pid'), 1n, 4);
  program.poke(PROC + offsetOf('state'), 1n, 4);
  program.poke(PROC + offsetOf('name'), 'init');
  program.poke(second + offsetOf('pid'), 3n, 4);
  program.poke(second + offsetOf('state'), 2n, 4);
  program.poke(second + offsetOf('parent'), PROC);
  program.poke(second + offsetOf('sz'), 0x4000n);
  program.poke(second + offsetOf('name'), 'sh');
  program.poke(second + offsetOf('wide'), 0x500000007n);
  program.poke(second + offsetOf('run'), 0x80000104n);
  program.poke(second + offsetOf('entry'), 0x80003000n);
  program.poke(0x80003000n, 'say "hi"\n');
  program.poke(0x80001000n, 0xffffffffn, 4);
  [1, 2, 3, 4, 5, 6].forEach((value, i) => program.poke(0x80001010n + BigInt(4 * i), BigInt(value), 4));
  program.poke(0x80001040n, 0b1010_0101_1101n, 4);
  program.poke(0x80002000n, -5n, 4);
  program.poke(0x80002004n, -1n, 1);
  program.poke(0x80002005n, 65n, 1);
  program.poke(0x80002006n, 1n, 1);
  program.poke(0x80002008n, 42n, 4);
  return program;
}

/** The address of proc[1], which `p` (register s1) points to. */
export const secondProcess = (program: TestProgram): bigint =>
  PROC + BigInt(C.sizeOf(program.typeNamed('struct proc')!));

/** Where the specs evaluate: the program with process 1 in s1, a2 unknown, and three CSRs. */
export function expressionContext(): { program: ReturnType<typeof expressionProgram>; context: EvaluationContext } {
  const program = expressionProgram();
  const x: (bigint | undefined)[] = Array.from({ length: 32 }, (_, i) => BigInt(i) * 0x1000n);
  x[9] = secondProcess(program);
  x[12] = undefined;
  const context = program.context(x, { satp: 0x8000000000087fffn, sstatus: 0x120n, scause: 13n });
  return { program, context };
}
