/**
 * The translator: a region of hot code as a WebAssembly function of its own. The guest's registers are in locals from entry
 * to exit; the TLB is looked up in line. A region, and each pass of a loop in it, is entered only if the longest way through
 * it fits into what remains of the slice. A block is counted at once; an access that must leave gives back what has not been
 * done, so counts are those of the interpreter.
 */
import { isReturn } from '../isa/instructions/calls';
import { type Builder, SystemOperation } from '../isa/instructions/instruction';
import { type Code, Label, ValueType, block, br, f64, i32, i64, local, ret, when } from '../wasm/assembler';
import { ModuleBuilder } from '../wasm/module';
import { upperProduct } from '../wasm/upper-product';
import { csrCode, isCsrCode } from './csr-code';
import { Exit } from './interpreter';
import { Cell, DataEntry, EMPTY, FetchEntry, HartOffset, PAGE, TRANSFER } from '../layout';
import { type Block, type RegionInstruction, pageOf } from './region';
import { type EmitBlock, structured } from './control-flow';
import { LOADS, STORES, ZERO, cell, farApart, findFetch, get32, get64, set32, set64, tlbLookup } from './emit';
import { fenceLeaves, floatsLocked, foundWhatItStored, loadDetail, unlessStarts } from './emit';
import { floatOffset } from './opcodes';

/** Locals: three i32, then i64: the next pc, an address, a scratch variable, and x1 to x31. */
const enum L {
  remaining,
  entry,
  answer,
  pc,
  address,
  scratch,
  /** Of x0, which has none. */
  x = scratch,
}
const LOCALS = [...new Array<ValueType>(3).fill(ValueType.I32), ...new Array<ValueType>(3 + 31).fill(ValueType.I64)];

/** See FloatBuilder. */
const [SCRATCH_DOUBLES, SCRATCH_SINGLES] = [6, 2];

const x = (register: number): number => L.x + register;
const read = (register: number): Code => (register === 0 ? i64.const(0) : local.get(x(register)));

/**
 * A place at which a region leaves an instruction to others. The code only returns its number; the rest is kept here, so
 * that code is small.
 */
export interface SideExit {
  exit: Exit;
  /** See Offset.detail. */
  detail: number;
  /** Instructions that are counted but not done. */
  back: number;
  /** Offset of the instruction from the page in which the region begins, and the host address of its record. */
  offset: number;
  record: number;
}

/** What a region returns for its first side exit; 0 means that it continues at the pc in the current-hart block. */
export const FIRST_SIDE_EXIT = 16;

export interface TranslatedRegion {
  /** A module that imports the memory and exports `region`. */
  bytes: Uint8Array<ArrayBuffer>;
  sideExits: SideExit[];
}

/** Base registers for which a region remembers the page that was last accessed through them. */
const REMEMBERED = 8;

/** What a region remembers of a page: locals for its address (i64), and for what makes an address in it a host address (i32). */
interface LastPage {
  tag: number;
  addend: number;
  /** There are loads and stores through the register: only a page that allows both is remembered. */
  both: boolean;
}

/** The registers through which the region accesses memory most often; and the types of their locals. */
function lastPages(instructions: readonly RegionInstruction[]): { pages: Map<number, LastPage>; types: ValueType[] } {
  const uses = new Map<number, { count: number; kinds: Set<string> }>();
  for (const { rs1, instruction } of instructions) {
    const kind = instruction.access?.kind;
    if (kind !== 'load' && kind !== 'store') continue;
    const use = uses.get(rs1) ?? { count: 0, kinds: new Set() };
    use.count++;
    use.kinds.add(kind);
    uses.set(rs1, use);
  }
  const most = [...uses].sort(([, a], [, b]) => b.count - a.count).slice(0, REMEMBERED);
  const first = LOCALS.length;
  return {
    pages: new Map(
      most.map(([register, { kinds }], index) => [
        register,
        { tag: first + index, addend: first + most.length + index, both: kinds.size === 2 },
      ]),
    ),
    types: [...most.map(() => ValueType.I64), ...most.map(() => ValueType.I32)],
  };
}

/** The floating-point registers that an instruction reads. */
const floatsRead = ({ instruction: { hasFs1, hasFs2, hasFs3 }, floats }: RegionInstruction): number[] =>
  floats === undefined
    ? []
    : [...(hasFs1 ? [floats.fs1] : []), ...(hasFs2 ? [floats.fs2] : []), ...(hasFs3 ? [floats.fs3] : [])];

export function translateRegion(blocks: readonly Block[]): TranslatedRegion {
  const out = new Label();
  const sideExits: SideExit[] = [];
  const tlb = tlbLookup(L.address, L.entry);
  const instructions = blocks.flatMap((b) => b.instructions);
  const written = new Set(instructions.filter((i) => i.rd !== 0 && i.instruction.hasRd).map((i) => i.rd));
  const used = new Set([...written, ...instructions.flatMap((i) => [i.rs1, i.rs2])].filter((r) => r !== 0));

  const { pages, types } = lastPages(instructions);
  const floatsWritten = new Set(instructions.flatMap((i) => (i.instruction.hasFd ? [i.floats!.fd] : [])));
  /** Locals of floating-point registers, by their numbers. */
  const floats = new Map(
    [...new Set([...floatsWritten, ...instructions.flatMap(floatsRead)])].map((register, index) => [
      register,
      LOCALS.length + types.length + index,
    ]),
  );
  const firstScratch = LOCALS.length + types.length + floats.size;
  const floatScratch = { f64: firstScratch, f32: firstScratch + SCRATCH_DOUBLES };
  const floatTypes = [
    ...new Array<ValueType>(floats.size + SCRATCH_DOUBLES).fill(ValueType.F64),
    ...new Array<ValueType>(SCRATCH_SINGLES).fill(ValueType.F32),
  ];
  /** What is known of mstatus.FS within a block: whatever changes it leaves. */
  let open: 'reads' | 'writes' | undefined;
  const unlocked = (access: 'reads' | 'writes', leave: Code): Code => {
    if (open === access || open === 'writes') return [];
    open = access;
    return when(floatsLocked(access), leave);
  };
  const readFloat = (register: number): Code => {
    const at = floats.get(register);
    return at === undefined ? [] : local.get(at);
  };

  /** Goes on at a pc outside. */
  const goOn = (pc: Code): Code => [local.set(L.pc, pc), br(out)];
  const leaveWith = (exit: Exit, { offset, record }: RegionInstruction, back: number, detail = 0): Code => {
    const answer = FIRST_SIDE_EXIT + sideExits.push({ exit, detail, back, offset, record }) - 1;
    return [local.set(L.answer, i32.const(answer)), br(out)];
  };
  const addressOf = (offset: number): Code => i64.add(get64(HartOffset.base), i64.const(offset));
  const jumpOut = (offset: number): Code => goOn(addressOf(offset));

  /** Goes on in another page only if it still lies where it did. */
  const checked = (from: number, target: Block, to: Code): Code => {
    const distance = pageOf(target.start) - pageOf(from);
    if (distance === 0) return to;
    const page = addressOf(pageOf(target.start) * PAGE);
    const entry = local.get(L.entry);
    return [
      local.set(L.address, page),
      findFetch(L.address, L.entry),
      when(
        i32.or(
          i64.ne(i64.load(entry, FetchEntry.base + FetchEntry.tag), page),
          i32.ne(i32.load(entry, FetchEntry.base + FetchEntry.records), i32.const(target.page.records)),
        ),
        jumpOut(target.start),
      ),
      to,
    ];
  };

  /** Leaves an instruction to others if the page in which it ends says something else now; `back` counts it as well. */
  const straddling = (i: RegionInstruction, back: number): Code => [
    local.set(L.address, addressOf((pageOf(i.offset) + 1) * PAGE)),
    findFetch(L.address, L.entry),
    unlessStarts(L.address, L.entry, i32.const(i.word >>> 16), leaveWith(Exit.special, i, back)),
  ];

  const emitBlock: EmitBlock = (b, to, ahead) => {
    open = undefined;
    const count = b.instructions.length;
    const code: Code[] = [
      ahead === undefined
        ? []
        : when(i32.lt_u(local.get(L.remaining), i32.const(ahead)), [
            local.set(L.answer, i32.const(Exit.short)),
            jumpOut(b.start),
          ]),
      local.set(L.remaining, i32.sub(local.get(L.remaining), i32.const(count))),
    ];
    let end = b.start;
    b.instructions.forEach((instruction, index) => {
      end = instruction.offset + instruction.length;
      if (instruction.straddles) code.push(straddling(instruction, count - index));
      now = { b, i: instruction, after: count - 1 - index, to };
      code.push(instruction.instruction.meaning(builder));
    });
    const last = b.instructions[count - 1]!;
    if (last.instruction.control !== 'indirect')
      code.push(b.next ? checked(last.offset, b.next, to(b.next)) : jumpOut(end));
    return code;
  };

  /**
   * The instruction that is translated, in its block, with what `emitBlock` was given; `after`: instructions of the block after it,
   * counted but not done if it leaves.
   */
  let now!: { b: Block; i: RegionInstruction; after: number; to: (target: Block) => Code };
  /** Goes on at a block, which may be translated here. */
  const onward = (target: Block): Code => {
    const here = now;
    const code = here.to(target);
    now = here;
    return code;
  };
  const target = (): Code => {
    const { b, i } = now;
    return b.target ? checked(i.offset, b.target, onward(b.target)) : jumpOut(i.offset + i.imm);
  };
  const left = (): Code => i32.add(local.get(L.remaining), i32.const(now.after));
  const write = (value: Code): Code => (now.i.rd === 0 ? [value, DROP] : local.set(x(now.i.rd), value));
  const link = (): Code => addressOf(now.i.offset + now.i.length);
  const writeLink = (): Code => (now.i.rd === 0 ? [] : write(link()));
  const writeFloat = (value: Code): Code => local.set(floats.get(now.i.floats!.fd)!, value);
  const leaveAccess = (exit: Exit, detail: number): Code => leaveWith(exit, now.i, now.after, detail);
  const leaveSystem = (operation: SystemOperation): Code => leaveAccess(Exit.environment, operation);
  const leaveFloat = (): Code => leaveSystem(SystemOperation.float);
  /** Finds the host address of a load or store; nothing changes what the TLB says before the region is left. */
  const access = (
    kind: 'load' | 'store',
    bytes: 1 | 2 | 4 | 8,
    address: Code,
    leave: Code,
  ): { find: Code; host: Code } => {
    const own = kind === 'load' ? DataEntry.read : DataEntry.write;
    const other = kind === 'load' ? DataEntry.write : DataEntry.read;
    const hits = tlb.hits(bytes, own);
    const last = pages.get(now.i.rs1);
    const lookup = [tlb.look, when(i32.eqz(hits), leave)];
    if (last === undefined) return { find: [local.set(L.address, address), lookup], host: tlb.host };
    return {
      find: [
        local.set(L.address, address),
        when(i64.ne(i64.and(local.get(L.address), i64.const(-PAGE + (bytes - 1))), local.get(last.tag)), [
          lookup,
          // The tag of what is not allowed is EMPTY.
          local.set(last.tag, i64.load(local.get(L.entry), last.both ? other : own)),
          local.set(last.addend, tlb.addend),
        ]),
      ],
      host: i32.add(i32.wrap(local.get(L.address)), local.get(last.addend)),
    };
  };
  const endIfAhead = (by: number): Code =>
    when(
      i32.lt_u(i32.add(local.get(L.remaining), i32.const(now.after + by)), get32(HartOffset.meets)),
      leaveWith(Exit.meets, now.i, now.after + 1),
    );
  const endIfTaken = (bytes: 4 | 8): Code =>
    when(
      i32.lt_u(left(), get32(HartOffset.contends)),
      when(foundWhatItStored(local.get(L.entry), bytes, local.get(L.scratch)), leaveAccess(Exit.contends, 0)),
    );
  const builder: Builder = {
    get rs1() {
      return read(now.i.rs1);
    },
    get rs2() {
      return read(now.i.rs2);
    },
    get imm() {
      return i64.const(now.i.imm);
    },
    get pc() {
      return addressOf(now.i.offset);
    },
    get link() {
      return link();
    },
    get fs1() {
      return readFloat(now.i.floats!.fs1);
    },
    get fs2() {
      return readFloat(now.i.floats!.fs2);
    },
    write,
    load: (bytes, signed, address) => {
      const leave = leaveAccess(Exit.load, loadDetail(now.i.instruction.access!));
      const { find, host } = access('load', bytes, address, leave);
      return [find, LOADS[bytes][Number(signed)]!(host)];
    },
    store: (bytes, address, value) => {
      const { find, host } = access('store', bytes, address, leaveAccess(Exit.store, bytes));
      return [find, STORES[bytes](host, value)];
    },
    atomic: (bytes, address, update) => [
      endIfAhead(0),
      tlb.find(address),
      when(i32.eqz(tlb.hits(bytes, DataEntry.write)), leaveAccess(Exit.atomic, bytes)),
      local.set(L.entry, tlb.host),
      local.set(L.scratch, LOADS[bytes][1](local.get(L.entry))),
      STORES[bytes](local.get(L.entry), update(local.get(L.scratch), read(now.i.rs2))),
      write(local.get(L.scratch)),
      now.i.instruction.access?.swaps ? endIfTaken(bytes) : [],
    ],
    loadReserved: (bytes, address) => [endIfAhead(0), tlb.loadReserved(bytes, address, write, leaveSystem)],
    storeConditional: (bytes, address) => tlb.storeConditional(bytes, address, read(now.i.rs2), write, leaveSystem),
    order: () => endIfAhead(TRANSFER),
    branch: (condition) => {
      const { i } = now;
      const idiom = i.closesIdiom && when(farApart(read(i.rs1), read(i.rs2)), leaveWith(Exit.loopIdiom, i, 1));
      return when(condition, idiom ? [idiom, target()] : target());
    },
    jump: () => [writeLink(), target()],
    jumpTo: (at) => {
      const { b, i } = now;
      const arrives = (to: Block): Code => {
        // The page that a call came from lies where it did; the next one need not, and the call may have ended there.
        const from = isReturn(i) ? to.start - 4 : i.offset;
        return when(i64.eq(local.get(L.pc), addressOf(to.start)), checked(from, to, onward(to)));
      };
      return [local.set(L.pc, at), writeLink(), b.target ? arrives(b.target) : [], br(out)];
    },
    writeFloat,
    usesFloats: (kind) => unlocked(kind, leaveFloat()),
    float: (kind, code) => {
      const { rs1, floats: of } = now.i;
      const leave = leaveFloat();
      return [
        unlocked(kind, leave),
        code({
          ...{ rs1: read(rs1), fs1: readFloat(of!.fs1), fs2: readFloat(of!.fs2), fs3: readFloat(of!.fs3) },
          ...{ rm: of!.rm, fcsr: get32(HartOffset.csrs + Cell.fcsr * 8), write, writeFloat, scratch: floatScratch },
          leaveIf: (condition) => when(condition, leave),
        }),
      ];
    },
    mulhu: (a, c) => upperProduct(a, c, L.scratch, L.address),
    system: (operation) => {
      if (operation === SystemOperation.sfenceVma) return when(fenceLeaves, leaveSystem(operation));
      const { i } = now;
      if (!isCsrCode(i)) throw new Error(`${i.instruction.name} in a region`);
      const operand = i.instruction.csr?.immediate ? i64.const(i.rs1) : read(i.rs1);
      return csrCode(i, operand, write, leaveSystem(operation), [L.address, L.scratch], left());
    },
  };

  const module = new ModuleBuilder();
  const X = cell(HartOffset.x);
  module.define({
    exported: 'region',
    parameters: [],
    results: [ValueType.I32],
    locals: [...LOCALS, ...types, ...(floats.size > 0 ? floatTypes : [])],
    code: [
      local.set(L.remaining, get32(HartOffset.remaining)),
      [...used].map((r) => local.set(x(r), i64.load(ZERO, X + r * 8))),
      [...floats].map(([f, at]) => local.set(at, f64.load(ZERO, cell(floatOffset(f))))),
      [...pages.values()].map(({ tag }) => local.set(tag, i64.const(EMPTY))),
      block(
        out,
        structured(blocks[0]!, emitBlock, (b) => jumpOut(b.start)),
      ),
      [...written].map((r) => i64.store(ZERO, local.get(x(r)), X + r * 8)),
      [...floatsWritten].map((f) => f64.store(ZERO, readFloat(f), cell(floatOffset(f)))),
      set64(HartOffset.pc, local.get(L.pc)),
      set64(HartOffset.address, local.get(L.address)),
      set32(HartOffset.remaining, local.get(L.remaining)),
      ret(local.get(L.answer)),
    ],
  });
  return { bytes: module.build(), sideExits };
}

const DROP = 0x1a;
