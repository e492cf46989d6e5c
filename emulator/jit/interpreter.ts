/**
 * The interpreter: one WebAssembly function, generated from the instruction table, that runs predecoded records until
 * its slice is used up. For everything rare (a TLB miss, a device, a CSR, a trap) it returns to `executor.ts` with the
 * reason: a function without calls keeps its variables in registers. All state of the hart is in memory then.
 *
 * Instructions are counted one by one, so a slice ends exactly where it should.
 */
import { Csr } from '../isa/csrs';
import { type Builder, SystemOperation } from '../isa/instructions/instruction';
import {
  type Code,
  Label,
  ValueType,
  block,
  br,
  br_table,
  call,
  call_indirect,
  f64,
  i32,
  i64,
} from '../wasm/assembler';
import { local, loop, ret, unreachable, when } from '../wasm/assembler';
import { ModuleBuilder } from '../wasm/module';
import { upperProduct } from '../wasm/upper-product';
import { csrCode } from './csr-code';
import { DataEntry, FetchEntry, HartOffset, HOTNESS, HOTNESS_CELLS, HOTNESS_LIMIT, PAGE } from '../layout';
import { RECORDS, REGIONS, RecordLayout, STRADDLER, TRANSFER } from '../layout';
import { FORMS, type RecordForm, REGION } from './opcodes';
import { LOADS, STORES, ZERO, cell, farApart, findFetch, get32, get64, set32, set64, tlbLookup } from './emit';
import { fenceLeaves, floatsLocked, foundWhatItStored, loadDetail, unlessStarts } from './emit';

/** Why the generated code returned. What it could not do itself is described in the hart's block, see Offset. */
export const enum Exit {
  /** The remaining count is 0. */
  budget,
  /** No translation for the page of pc is at hand. */
  fetch,
  load,
  store,
  atomic,
  environment,
  /** A record with Opcode.special. This and the next have not been counted. */
  special,
  /** A branch that closes a loop idiom with many passes to go. */
  loopIdiom,
  /** The instruction at pc is the target of many jumps. */
  hot,
  /** The record begins a region; its index is the detail. This and the next are not seen outside the generated code. */
  region,
  /** By the instruction at pc, which has not been counted, the hart may meet others, and they are behind. */
  meets,
  /** The instruction at pc, which is done, has tried to take a lock that is taken. */
  contends,
  /** The region at pc may need more than remains of the slice. */
  short,
}

/** How the generated code is to begin. */
export const enum Begin {
  /** At the hart's pc. */
  atPc,
  /** With the record in the hart's scratch area, which is the instruction at pc. */
  scratch,
  /** At pc, and without entering regions. */
  slowly,
}

export interface InterpreterExports {
  /** Runs the hart whose state is in the current-hart block. Returns an Exit, or a side exit of a region (translator.ts). */
  run(begin: Begin): number;
}

/**
 * Indices of run's parameter and locals. Few live from one instruction to the next (record and remaining), so that they
 * stay in registers; what is rarely needed is in the current-hart block.
 */
const enum L {
  begin,
  /** Host address of the record at hand, and its opcode. */
  record,
  opcode,
  remaining,
  /** The entry of a TLB, or the host address of an atomic's word. */
  entry,
  /** i64 from here: the target of a jump, an address, two scratch variables. */
  pc,
  address,
  scratch,
}
const LOCALS = [...new Array<ValueType>(4).fill(ValueType.I32), ...new Array<ValueType>(4).fill(ValueType.I64)];

const tlb = tlbLookup(L.address, L.entry);
const record = local.get(L.record);
const field = (offset: number): Code => i32.load16_u(record, offset);
const register = (offset: number): Code => i64.load(field(offset), cell(HartOffset.x));
const floatRegister = (offset: number): Code => f64.load(field(offset), cell(HartOffset.x));
/** The address of the instruction at hand. */
const pcHere: Code = i64.add(
  get64(HartOffset.base),
  i64.extend_u(i32.shr_u(i32.sub(record, get32(HartOffset.records)), i32.const(3))),
);

/** Stores pc and count in the current-hart block, and returns. */
const exit = (reason: Exit): Code => [
  set64(HartOffset.pc, pcHere),
  set32(HartOffset.remaining, local.get(L.remaining)),
  ret(i32.const(reason)),
];
/** Leaves an access to executor.ts; `detail` says which. */
const exitForAccess = (reason: Exit, detail: number): Code => [
  set64(HartOffset.address, local.get(L.address)),
  set32(HartOffset.detail, i32.const(detail)),
  set32(HartOffset.record, record),
  exit(reason),
];

/** A register that is not x0. */
const ANY = 1;

/** Hotness of a jump back. A loop counts more than what it calls, which is translated with it. */
const LOOP_WEIGHT = 4;

/** The module's bytes, the same for every machine. */
export function generateInterpreter(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const regionType = module.signature({ parameters: [], results: [ValueType.I32] });
  const jump = new Label();
  const next = new Label();

  const jumpTo = (target: Code): Code => [local.set(L.pc, target), br(jump)];

  /** Neither of these is an instruction done. */
  const uncount = local.set(L.remaining, i32.add(local.get(L.remaining), i32.const(1)));
  const exitUncounted = (reason: Exit): Code => [uncount, set32(HartOffset.record, record), exit(reason)];
  /** Ends the turn if the hart is ahead by so many instructions. */
  const endIfAhead = (by: number): Code =>
    when(i32.lt_u(i32.add(local.get(L.remaining), i32.const(by)), get32(HartOffset.meets)), exitUncounted(Exit.meets));
  const endIfTaken = (at: Code, bytes: 4 | 8): Code =>
    when(i32.lt_u(local.get(L.remaining), get32(HartOffset.contends)), [
      when(foundWhatItStored(at, bytes, local.get(L.scratch)), [set32(HartOffset.record, record), exit(Exit.contends)]),
    ]);
  const exitForIdiom = when(
    farApart(register(RecordLayout.rs1), register(RecordLayout.rs2)),
    exitUncounted(Exit.loopIdiom),
  );

  /** Adds to the hotness of the record at hand, to which a jump went; see HOTNESS. */
  const hotness = i32.load(local.get(L.entry), HOTNESS);
  const countJump = (weight: number): Code =>
    when(i32.lt_u(field(RecordLayout.op), i32.const(REGION)), [
      local.set(L.entry, i32.and(i32.shr_u(record, i32.const(2)), i32.const((HOTNESS_CELLS - 1) * 4))),
      i32.store(local.get(L.entry), i32.add(hotness, i32.const(weight)), HOTNESS),
      when(i32.ge_u(hotness, i32.load(ZERO, HOTNESS_LIMIT)), exit(Exit.hot)),
    ]);

  const builder = (form: RecordForm): Builder => {
    const link = i64.add(pcHere, i64.const(form.length));
    const imm = i64.load32_s(record, RecordLayout.imm);
    const write = (value: Code): Code => i64.store(field(RecordLayout.rd), value, cell(HartOffset.x));
    const leaveSystem = (operation: SystemOperation): Code => exitForAccess(Exit.environment, operation);
    /** To pc + imm. */
    const backward = i32.lt_s(i32.load(record, RecordLayout.imm), ZERO);
    const relative: Code = form.near
      ? [
          local.set(L.entry, backward),
          local.set(L.record, i32.add(record, i32.load(record, RecordLayout.imm))),
          when(local.get(L.entry), countJump(LOOP_WEIGHT)),
          br(next),
        ]
      : jumpTo(i64.add(pcHere, imm));
    return {
      rs1: register(RecordLayout.rs1),
      rs2: register(RecordLayout.rs2),
      imm,
      pc: pcHere,
      link,
      write,
      load: (bytes, signed, address) => [
        tlb.find(address),
        when(i32.eqz(tlb.hits(bytes, DataEntry.read)), exitForAccess(Exit.load, loadDetail(form.instruction.access!))),
        LOADS[bytes][Number(signed)]!(tlb.host),
      ],
      store: (bytes, address, value) => [
        tlb.find(address),
        when(i32.eqz(tlb.hits(bytes, DataEntry.write)), [
          set64(HartOffset.value, value),
          exitForAccess(Exit.store, bytes),
        ]),
        STORES[bytes](tlb.host, value),
      ],
      atomic: (bytes, address, update) => {
        const at = local.get(L.entry);
        const old = local.get(L.scratch);
        const after = update(old, register(RecordLayout.rs2));
        return [
          endIfAhead(0),
          tlb.find(address),
          when(
            tlb.hits(bytes, DataEntry.write),
            local.set(L.entry, tlb.host),
            // Prepared by an exit before: a page to which every store takes the slow path.
            [
              local.set(L.entry, get32(HartOffset.prepared)),
              when(i32.eqz(at), exitForAccess(Exit.atomic, bytes)),
              set32(HartOffset.prepared, ZERO),
            ],
          ),
          local.set(L.scratch, LOADS[bytes][1](at)),
          STORES[bytes](at, after),
          write(old),
          form.instruction.access?.swaps ? endIfTaken(at, bytes) : [],
        ];
      },
      loadReserved: (bytes, address) => [endIfAhead(0), tlb.loadReserved(bytes, address, write, leaveSystem)],
      storeConditional: (bytes, address) =>
        tlb.storeConditional(bytes, address, register(RecordLayout.rs2), write, leaveSystem),
      order: () => endIfAhead(TRANSFER),
      branch: (condition) => when(condition, form.closesIdiom ? [exitForIdiom, relative] : relative),
      jump: () => [write(link), relative],
      jumpTo: (target) => [local.set(L.pc, target), write(link), br(jump)],
      fs1: floatRegister(RecordLayout.rs1),
      fs2: floatRegister(RecordLayout.rs2),
      writeFloat: (value) => f64.store(field(RecordLayout.rd), value, cell(HartOffset.x)),
      usesFloats: (access) => when(floatsLocked(access), leaveSystem(SystemOperation.float)),
      // In hot code it is worth its size.
      float: () => leaveSystem(SystemOperation.float),
      mulhu: (a, b) => upperProduct(a, b, L.scratch, L.scratch + 1),
      system: (operation) => {
        if (operation === SystemOperation.sfenceVma) return when(fenceLeaves, leaveSystem(operation));
        if (!form.status) return leaveSystem(operation);
        const index = i32.shr_u(field(RecordLayout.rs1), i32.const(3));
        const operand = form.instruction.csr?.immediate ? i64.extend_u(index) : register(RecordLayout.rs1);
        const status = { ...form, imm: Csr.sstatus, rs1: ANY };
        return csrCode(
          status,
          operand,
          write,
          leaveSystem(operation),
          [L.address, L.scratch],
          get32(HartOffset.remaining),
        );
      },
    };
  };

  const handler = (form: RecordForm): Code => [
    form.instruction.meaning(builder(form)),
    local.set(L.record, i32.add(record, i32.const(form.length * (RecordLayout.size / 2)))),
    br(next),
  ];

  const special = exitUncounted(Exit.special);
  const pageEnd: Code = [uncount, jumpTo(pcHere)];
  const straddling: Code = [
    local.set(L.pc, i64.add(get64(HartOffset.base), i64.const(PAGE))),
    findFetch(L.pc, L.entry),
    unlessStarts(L.pc, L.entry, field(RecordLayout.word + 2), special),
    set32(HartOffset.records, i32.add(get32(HartOffset.records), i32.const(STRADDLER))),
    local.set(L.record, i32.add(record, i32.const(STRADDLER))),
    uncount,
    br(next),
  ];
  const again = new Label();
  const region: Code = [
    when(i32.eq(local.get(L.begin), i32.const(Begin.slowly)), [
      local.set(L.opcode, i32.sub(local.get(L.opcode), i32.const(REGION))),
      br(again),
    ]),
    set32(HartOffset.detail, regionIndex(record)),
    exitUncounted(Exit.region),
  ];
  const run = loop(
    next,
    when(i32.eqz(local.get(L.remaining)), exit(Exit.budget)),
    local.set(L.remaining, i32.sub(local.get(L.remaining), i32.const(1))),
    local.set(L.opcode, field(RecordLayout.op)),
    loop(again, dispatch([special, pageEnd, straddling, ...FORMS.map(handler), region])),
  );

  const enterPage: Code = [
    findPage(L.pc, L.entry, L.record, [
      set64(HartOffset.pc, local.get(L.pc)),
      set32(HartOffset.remaining, local.get(L.remaining)),
      ret(i32.const(Exit.fetch)),
    ]),
    countJump(1),
  ];
  const enterScratch: Code = [
    local.set(L.begin, i32.const(Begin.atPc)),
    set64(HartOffset.base, local.get(L.pc)),
    set32(HartOffset.records, i32.const(cell(HartOffset.scratch))),
    local.set(L.record, i32.const(cell(HartOffset.scratch))),
  ];
  const interpret = module.define({
    parameters: [ValueType.I32],
    results: [ValueType.I32],
    locals: LOCALS,
    code: [
      local.set(L.remaining, get32(HartOffset.remaining)),
      local.set(L.pc, get64(HartOffset.pc)),
      loop(jump, when(i32.eq(local.get(L.begin), i32.const(Begin.scratch)), enterScratch, enterPage), run),
      unreachable,
    ],
  });
  module.define(dispatcher(interpret, regionType));
  return module.build();
}

/** Sets `record` to the record at `pc`, by the fetch TLB; if the page is not there, goes the other way. */
function findPage(pc: number, entry: number, record: number, otherwise: Code): Code {
  const pageOffset = i32.and(i32.wrap(local.get(pc)), i32.const(PAGE - 1));
  return [
    findFetch(pc, entry),
    set64(HartOffset.base, i64.and(local.get(pc), i64.const(-PAGE))),
    when(i64.ne(get64(HartOffset.base), i64.load(local.get(entry), FetchEntry.base + FetchEntry.tag)), otherwise),
    set32(HartOffset.records, i32.load(local.get(entry), FetchEntry.base + FetchEntry.records)),
    local.set(record, i32.add(get32(HartOffset.records), i32.shl(pageOffset, i32.const(3)))),
  ];
}

/** Alternates between the interpreter and translated regions until one of them needs help. */
function dispatcher(interpret: number, regionType: number) {
  const [begin, result, entry, at, pc] = [0, 1, 2, 3, 4];
  const again = new Label();
  const inRegion = new Label();
  return {
    exported: 'run',
    parameters: [ValueType.I32],
    results: [ValueType.I32],
    locals: [ValueType.I32, ValueType.I32, ValueType.I32, ValueType.I64],
    code: [
      loop(
        again,
        local.set(result, call(interpret, local.get(begin))),
        local.set(begin, i32.const(Begin.atPc)),
        when(i32.ne(local.get(result), i32.const(Exit.region)), ret(local.get(result))),
        loop(
          inRegion,
          local.set(result, call_indirect(regionType, get32(HartOffset.detail))),
          when(local.get(result), [
            when(i32.ne(local.get(result), i32.const(Exit.short)), ret(local.get(result))),
            // What is left of the slice is little.
            local.set(begin, i32.const(Begin.slowly)),
            br(again),
          ]),
          local.set(pc, get64(HartOffset.pc)),
          findPage(pc, entry, at, br(again)),
          when(i32.ge_u(i32.load16_u(local.get(at), RecordLayout.op), i32.const(REGION)), [
            set32(HartOffset.detail, regionIndex(local.get(at))),
            br(inRegion),
          ]),
        ),
        br(again),
      ),
      unreachable,
    ],
  };
}

/** The index of the region that begins at a record. */
function regionIndex(record: Code): Code {
  return i32.load(i32.shr_u(i32.sub(record, i32.const(RECORDS)), i32.const(2)), REGIONS);
}

/** Nested blocks, one a handler, with a table of branches to the ends of them. */
function dispatch(handlers: readonly Code[]): Code {
  const labels = handlers.map(() => new Label());
  // The last is for all opcodes beyond: those of records where a region begins.
  const start = br_table(local.get(L.opcode), labels);
  return handlers.reduce((inner, handler, index) => [block(labels[index]!, inner), handler], start);
}
