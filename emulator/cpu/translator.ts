/**
 * The translator: a region of hot code as a WebAssembly function of its own. The guest's registers are in locals from entry
 * to exit; the TLB is looked up in line. A block is entered only if all of it fits into what remains of the slice, and is
 * counted at once; an access that must leave gives back what has not been done, so counts are those of the interpreter.
 */
import type { Builder } from '../isa/instruction';
import { type Code, Label, Type, block, br, i32, i64, local, ret, when } from '../wasm/assembler';
import { ModuleBuilder } from '../wasm/module';
import { csrCode, isCsrCode } from './csr-code';
import { Exit } from './interpreter';
import { Data, FETCH_ENTRIES, Fetch, Offset, PAGE, SIGNED } from './layout';
import { type Block, type RegionInstruction, pageOf } from './region';
import { structured } from './structure';
import { LOADS, STORES, ZERO, cell, farApart, get32, get64, set32, set64, tlbLookup, upperProduct } from './window';

/** Locals: three i32, then i64: the next pc, an address, a scratch variable, and x1 to x31. */
const enum L {
  remaining,
  entry,
  reason,
  pc,
  address,
  scratch,
  /** Of x0, which has none. */
  x = scratch,
}
const LOCALS = [...new Array<Type>(3).fill(Type.I32), ...new Array<Type>(3 + 31).fill(Type.I64)];

const x = (register: number): number => L.x + register;
const read = (register: number): Code => (register === 0 ? i64.const(0) : local.get(x(register)));

/**
 * The bytes of a module that imports the memory and exports `region`, which answers an Exit: `budget` (0) means that it
 * went on to the pc in the window.
 */
export function translate(blocks: readonly Block[]): Uint8Array<ArrayBuffer> {
  const out = new Label();
  const tlb = tlbLookup(L.address, L.entry);
  const instructions = blocks.flatMap((b) => b.instructions);
  const written = new Set(instructions.filter((i) => i.rd !== 0 && i.instruction.hasRd).map((i) => i.rd));
  const used = new Set([...written, ...instructions.flatMap((i) => [i.rs1, i.rs2])].filter((r) => r !== 0));

  const leave = (reason: Exit, pc: Code): Code => [
    local.set(L.pc, pc),
    local.set(L.reason, i32.const(reason)),
    br(out),
  ];
  const addressOf = (offset: number): Code => i64.add(get64(Offset.base), i64.const(offset));
  const jumpOut = (offset: number): Code => leave(Exit.budget, addressOf(offset));
  const giveBack = (count: number): Code =>
    count === 0 ? [] : local.set(L.remaining, i32.add(local.get(L.remaining), i32.const(count)));

  /** Goes on in another page only if it still lies where it did; where a call returns to, it does. */
  const checked = (from: number, target: Block, to: Code): Code => {
    const distance = pageOf(target.start) - pageOf(from);
    if (distance === 0) return to;
    const page = addressOf(pageOf(target.start) * PAGE);
    const index = i32.and(i32.shr_u(i32.wrap(page), i32.const(8)), i32.const((FETCH_ENTRIES - 1) * Fetch.size));
    const entry = local.get(L.entry);
    return [
      local.set(L.entry, i32.add(get32(Offset.bank), index)),
      when(
        i32.or(
          i64.ne(i64.load(entry, Fetch.base + Fetch.tag), page),
          i32.ne(i32.load(entry, Fetch.base + Fetch.records), i32.const(target.page.records)),
        ),
        jumpOut(target.start),
      ),
      to,
    ];
  };

  const emitBlock = (b: Block, to: (target: Block) => Code): Code => {
    const count = b.instructions.length;
    const code: Code[] = [
      when(i32.lt_u(local.get(L.remaining), i32.const(count)), [
        set32(Offset.record, i32.const(b.instructions[0].record)),
        leave(Exit.short, addressOf(b.start)),
      ]),
      giveBack(-count),
    ];
    let end = b.start;
    b.instructions.forEach((instruction, index) => {
      end = instruction.offset + instruction.length;
      code.push(instruction.instruction.meaning(builder(b, instruction, count - 1 - index, to)));
    });
    const last = b.instructions[count - 1];
    if (last.instruction.control !== 'indirect')
      code.push(b.next ? checked(last.offset, b.next, to(b.next)) : jumpOut(end));
    return code;
  };

  /** `after`: instructions of the block behind this one, counted but not done if this one leaves. */
  const builder = (b: Block, i: RegionInstruction, after: number, to: (target: Block) => Code): Builder => {
    const pc = addressOf(i.offset);
    const link = addressOf(i.offset + i.length);
    const write = (value: Code): Code => (i.rd === 0 ? [value, DROP] : local.set(x(i.rd), value));
    const exitAt = (reason: Exit, back: number): Code => [
      giveBack(back),
      set32(Offset.record, i32.const(i.record)),
      leave(reason, pc),
    ];
    const exitForAccess = (reason: Exit, detail: number): Code => [
      set64(Offset.address, local.get(L.address)),
      set32(Offset.detail, i32.const(detail)),
      exitAt(reason, after),
    ];
    const target = (): Code => (b.target ? checked(i.offset, b.target, to(b.target)) : jumpOut(i.offset + i.imm));
    return {
      rs1: read(i.rs1),
      rs2: read(i.rs2),
      imm: i64.const(i.imm),
      pc,
      link,
      write,
      load: (bytes, signed, address) => [
        tlb.find(address),
        when(i32.eqz(tlb.hits(bytes, Data.read)), exitForAccess(Exit.load, bytes | (signed ? SIGNED : 0))),
        LOADS[bytes][Number(signed)](tlb.host),
      ],
      store: (bytes, address, value) => [
        tlb.find(address),
        when(i32.eqz(tlb.hits(bytes, Data.write)), [set64(Offset.value, value), exitForAccess(Exit.store, bytes)]),
        STORES[bytes](tlb.host, value),
      ],
      atomic: (bytes, address, update) => [
        tlb.find(address),
        when(i32.eqz(tlb.hits(bytes, Data.write)), exitForAccess(Exit.atomic, bytes)),
        local.set(L.entry, tlb.host),
        local.set(L.scratch, LOADS[bytes][1](local.get(L.entry))),
        STORES[bytes](local.get(L.entry), update(local.get(L.scratch), read(i.rs2))),
        write(local.get(L.scratch)),
      ],
      branch: (condition) =>
        when(condition, [i.bulk ? when(farApart(read(i.rs1), read(i.rs2)), exitAt(Exit.bulk, 1)) : [], target()]),
      jump: () => [i.rd === 0 ? [] : write(link), target()],
      jumpTo: (at) => [
        local.set(L.pc, at),
        i.rd === 0 ? [] : write(link),
        b.target ? when(i64.eq(local.get(L.pc), addressOf(b.target.start)), to(b.target)) : [],
        leave(Exit.budget, local.get(L.pc)),
      ],
      mulhu: (a, c) => upperProduct(a, c, L.scratch, L.address),
      environment: (operation) => {
        if (!isCsrCode(i)) throw new Error(`${i.instruction.name} in a region`);
        const outside = [set32(Offset.detail, i32.const(operation)), exitAt(Exit.environment, after)];
        return csrCode(i, read(i.rs1), write, outside, [L.address, L.scratch]);
      },
    };
  };

  const module = new ModuleBuilder();
  const X = cell(Offset.x);
  module.define({
    exported: 'region',
    parameters: [],
    results: [Type.I32],
    locals: LOCALS,
    code: [
      local.set(L.remaining, get32(Offset.remaining)),
      [...used].map((r) => local.set(x(r), i64.load(ZERO, X + r * 8))),
      block(
        out,
        structured(blocks[0], emitBlock, (b) => jumpOut(b.start)),
      ),
      [...written].map((r) => i64.store(ZERO, local.get(x(r)), X + r * 8)),
      set64(Offset.pc, local.get(L.pc)),
      set32(Offset.remaining, local.get(L.remaining)),
      ret(local.get(L.reason)),
    ],
  });
  return module.build();
}

const DROP = 0x1a;
