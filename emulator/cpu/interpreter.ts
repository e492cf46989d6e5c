/**
 * The interpreter: one WebAssembly function, generated from the instruction table, that runs predecoded records until
 * its slice is used up. Everything rare (a TLB miss, a device, a CSR, a trap) calls out; before it does, the hart's pc
 * and remaining count are in memory, so that all state is exact there.
 *
 * Instructions are counted one by one, so a slice ends exactly where it should.
 */
import { type Builder, Operation } from '../isa/instruction';
import { type Code, Label, Type, block, br, br_if, br_table, call, choose, i32, i64 } from '../wasm/assembler';
import { local, loop, when } from '../wasm/assembler';
import { ModuleBuilder } from '../wasm/module';
import { Data, Fetch, Offset, Record, Status } from './layout';
import { FORMS, type Form, Opcode } from './opcodes';

/**
 * What the generated code calls. `hart` is the host address of a hart's block, `record` that of a record; 64-bit
 * addresses come as two halves. Loads leave their value in the hart's `result` cell.
 */
export interface InterpreterImports {
  /** No translation for the page of pc is at hand. */
  fetch(hart: number): Status;
  load(hart: number, low: number, high: number, bytes: number): Status;
  store(hart: number, low: number, high: number, bytes: number, valueLow: number, valueHigh: number): Status;
  /** Makes memory at an aligned address ready to be read and written in place: leaves its host address in `result`. */
  atomic(hart: number, low: number, high: number, bytes: number): Status;
  environment(hart: number, operation: Operation, record: number): Status;
  /** A record with Opcode.special. */
  special(hart: number, record: number): Status;
}

export interface InterpreterExports {
  /** Runs the hart until its remaining count is 0 or an import answers `exit`. */
  run(hart: number): void;
}

/** Indices of run's parameter and locals. */
const enum L {
  hart,
  /** Host address of the record at hand, and of the first one of its page. */
  record,
  records,
  remaining,
  bank,
  entry,
  status,
  /** i64 from here: the virtual address that belongs to `records`, the target of a jump, an address, scratch. */
  base,
  pc,
  address,
  scratch,
}
const LOCALS = [...new Array<Type>(6).fill(Type.I32), ...new Array<Type>(6).fill(Type.I64)];

const hart = local.get(L.hart);
const record = local.get(L.record);
const field = (offset: number): Code => i32.load16_u(record, offset);
const register = (offset: number): Code => i64.load(i32.add(hart, field(offset)));
/** The address of the instruction at hand. */
const pcHere: Code = i64.add(
  local.get(L.base),
  i64.extend_u(i32.shr_u(i32.sub(record, local.get(L.records)), i32.const(3))),
);

/** Puts pc and count where the imports look for them. */
const save: Code = [i64.store(hart, pcHere, Offset.pc), i32.store(hart, local.get(L.remaining), Offset.remaining)];
/** An import may have cut the slice short. */
const restore: Code = local.set(L.remaining, i32.load(hart, Offset.remaining));

/** The entry of the data TLB for the address in L.address. */
const dataEntry: Code = i32.add(
  local.get(L.bank),
  i32.and(i32.wrap(i64.shr_u(local.get(L.address), i64.const(7))), i32.const(Fetch.base - Data.size)),
);
/** The address with its offset in the page cut off, except those low bits that must be zero if it is aligned. */
const tagOf = (bytes: number): Code => i64.and(local.get(L.address), i64.const(-4096 + (bytes - 1)));
const hits = (bytes: number, tag: number): Code => i64.eq(tagOf(bytes), i64.load(local.get(L.entry), tag));
const hostAddress: Code = i32.add(i32.wrap(local.get(L.address)), i32.load(local.get(L.entry), Data.addend));
const halves = (variable: number): Code[] => [
  i32.wrap(local.get(variable)),
  i32.wrap(i64.shr_u(local.get(variable), i64.const(32))),
];

/** Loads by width, unsigned and signed. */
const LOADS = {
  1: [i64.load8_u, i64.load8_s],
  2: [i64.load16_u, i64.load16_s],
  4: [i64.load32_u, i64.load32_s],
  8: [i64.load, i64.load],
} as const;
const STORES = { 1: i64.store8, 2: i64.store16, 4: i64.store32, 8: i64.store } as const;

/** Generates the module's bytes. It is the same for every machine. */
export function generateInterpreter(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const I = Type.I32;
  const imports = {
    fetch: module.import('fetch', [I], [I]),
    load: module.import('load', [I, I, I, I], [I]),
    store: module.import('store', [I, I, I, I, I, I], [I]),
    atomic: module.import('atomic', [I, I, I, I], [I]),
    environment: module.import('environment', [I, I, I], [I]),
    special: module.import('special', [I, I], [I]),
  };
  const mulhu = module.define(mulhuFunction());

  const reload = new Label();
  const jump = new Label();
  const next = new Label();
  const leave = new Label();

  /** Calls an import and goes on behind it only if it says so. */
  const callOut = (index: number, ...args: Code[]): Code => [
    save,
    br_if(leave, local.tee(L.status, call(index, hart, ...args))),
    restore,
  ];
  const jumpTo = (target: Code): Code => [local.set(L.pc, target), br(jump)];

  const builder = (form: Form): Builder => {
    const link = i64.add(pcHere, i64.const(form.length));
    const imm = i64.load32_s(record, Record.imm);
    const write = (value: Code): Code => i64.store(i32.add(hart, field(Record.rd)), value);
    /** To pc + imm. */
    const relative: Code = form.near
      ? [local.set(L.record, i32.add(record, i32.load(record, Record.imm))), br(next)]
      : jumpTo(i64.add(pcHere, imm));
    return {
      rs1: register(Record.rs1),
      rs2: register(Record.rs2),
      imm,
      pc: pcHere,
      link,
      write,
      get: (variable) => local.get(L.scratch + variable),
      set: (variable, value) => local.set(L.scratch + variable, value),
      load: (bytes, signed, address) => [
        local.set(L.address, address),
        local.set(L.entry, dataEntry),
        choose(Type.I64, hits(bytes, Data.read), LOADS[bytes][Number(signed)](hostAddress), [
          callOut(imports.load, halves(L.address), i32.const(bytes)),
          LOADS[bytes][Number(signed)](hart, Offset.result),
        ]),
      ],
      store: (bytes, address, value) => [
        local.set(L.address, address),
        local.set(L.entry, dataEntry),
        when(hits(bytes, Data.write), STORES[bytes](hostAddress, value), [
          local.set(L.scratch, value),
          callOut(imports.store, halves(L.address), i32.const(bytes), halves(L.scratch)),
        ]),
      ],
      atomic: (bytes, address, update) => {
        const at = local.get(L.entry);
        const old = local.get(L.scratch);
        return [
          local.set(L.address, address),
          local.set(L.entry, dataEntry),
          local.set(
            L.entry,
            choose(Type.I32, hits(bytes, Data.write), hostAddress, [
              callOut(imports.atomic, halves(L.address), i32.const(bytes)),
              i32.load(hart, Offset.result),
            ]),
          ),
          local.set(L.scratch, LOADS[bytes][1](at)),
          STORES[bytes](at, update(old, register(Record.rs2))),
          write(old),
        ];
      },
      branch: (condition) => when(condition, relative),
      jump: () => [write(link), relative],
      jumpTo: (target) => [local.set(L.pc, target), write(link), br(jump)],
      mulhu: (a, b) => call(mulhu, a, b),
      environment: (operation) => callOut(imports.environment, i32.const(operation), record),
    };
  };

  const handler = (form: Form): Code => [
    form.instruction.meaning(builder(form)),
    local.set(L.record, i32.add(record, i32.const(form.length * (Record.size / 2)))),
    br(next),
  ];

  // Not counted: nothing has been executed yet. If it was illegal, `special` itself counts it.
  const special: Code = [
    local.set(L.remaining, i32.add(local.get(L.remaining), i32.const(1))),
    save,
    local.set(L.status, call(imports.special, hart, record)),
    restore,
    br_if(next, i32.eqz(local.get(L.status))),
    when(i32.ne(local.get(L.status), i32.const(Status.scratch)), br(leave)),
    local.set(L.base, i64.load(hart, Offset.pc)),
    local.set(L.records, i32.add(hart, i32.const(Offset.scratch))),
    local.set(L.record, local.get(L.records)),
    br(next),
  ];
  const pageEnd: Code = [local.set(L.remaining, i32.add(local.get(L.remaining), i32.const(1))), jumpTo(pcHere)];

  module.define({
    exported: 'run',
    parameters: [I],
    results: [],
    locals: LOCALS,
    code: loop(
      reload,
      local.set(L.remaining, i32.load(hart, Offset.remaining)),
      local.set(L.bank, i32.load(hart, Offset.bank)),
      local.set(L.pc, i64.load(hart, Offset.pc)),
      loop(
        jump,
        local.set(
          L.entry,
          i32.add(
            local.get(L.bank),
            i32.and(i32.shr_u(i32.wrap(local.get(L.pc)), i32.const(8)), i32.const((64 - 1) * Fetch.size)),
          ),
        ),
        local.set(L.base, i64.and(local.get(L.pc), i64.const(-4096))),
        when(i64.ne(local.get(L.base), i64.load(local.get(L.entry), Fetch.base + Fetch.tag)), [
          i64.store(hart, local.get(L.pc), Offset.pc),
          i32.store(hart, local.get(L.remaining), Offset.remaining),
          when(i32.eq(call(imports.fetch, hart), i32.const(Status.exit)), RETURN),
          br(reload),
        ]),
        local.set(L.records, i32.load(local.get(L.entry), Fetch.base + Fetch.records)),
        local.set(
          L.record,
          i32.add(local.get(L.records), i32.shl(i32.and(i32.wrap(local.get(L.pc)), i32.const(4095)), i32.const(3))),
        ),
        loop(
          next,
          when(i32.eqz(local.get(L.remaining)), [save, RETURN]),
          local.set(L.remaining, i32.sub(local.get(L.remaining), i32.const(1))),
          block(leave, dispatch([special, pageEnd, ...FORMS.map(handler)])),
          when(i32.eq(local.get(L.status), i32.const(Status.exit)), RETURN),
          br(reload),
        ),
      ),
    ),
  });
  return module.build();
}

const RETURN: Code = 0x0f;

/** Nested blocks, one a handler, with a table of branches to the ends of them. */
function dispatch(handlers: readonly Code[]): Code {
  const labels = handlers.map(() => new Label());
  // The default is never taken: opcodes are written by opcodes.ts alone.
  const start = br_table(i32.load16_u(record, Record.op), [...labels, labels[Opcode.special]]);
  return handlers.reduce((inner, handler, index) => [block(labels[index], inner), handler], start);
}

/** 64 x 64 -> upper 64 bits, by 32-bit parts (Hacker's Delight, section 8-2). */
function mulhuFunction() {
  const [a, b, t, k] = [0, 1, 2, 3].map((index) => local.get(index));
  const low = (value: Code): Code => i64.and(value, i64.const(0xffffffff));
  const high = (value: Code): Code => i64.shr_u(value, i64.const(32));
  return {
    parameters: [Type.I64, Type.I64],
    results: [Type.I64],
    locals: [Type.I64, Type.I64],
    code: [
      local.set(2, i64.add(i64.mul(high(a), low(b)), high(i64.mul(low(a), low(b))))),
      local.set(3, i64.add(i64.mul(low(a), high(b)), low(t))),
      i64.add(i64.add(i64.mul(high(a), high(b)), high(t)), high(k)),
    ],
  };
}

/** The module compiled, once a process. */
let compiled: WebAssembly.Module | undefined;
export const interpreterModule = (): WebAssembly.Module => (compiled ??= new WebAssembly.Module(generateInterpreter()));
