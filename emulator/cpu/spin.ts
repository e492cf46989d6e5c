/**
 * Does a hart only wait for another one? A loop that changes nothing in memory and comes back to the same pc with the same registers
 * will go round until memory changes, so the hart may as well be given a short turn. The answer depends on nothing but
 * the state at hand: the loop is run once, by the interpreter, and what it did to the registers is taken back.
 */
import { type Decoded, decode, INSTRUCTIONS } from '../isa/decode';
import type { Builder, Instruction } from '../isa/instruction';
import { Access, type Mmu } from '../mmu/mmu';
import type { GuestMemory } from '../mmu/guest-memory';
import type { Core } from './core';
import type { HartState } from './hart';
import { PAGE } from './layout';

/** Instructions of the longest loop that is looked through. */
const LOOP = 48;

/** Whether an instruction's meaning does more than read, compute and jump. */
function acts({ meaning }: Instruction): boolean {
  let found = false;
  const act = () => ((found = true), []);
  const no = () => [];
  const builder: Builder = {
    ...{ rs1: [], rs2: [], imm: [], pc: [], link: [] },
    ...{ write: no, load: no, branch: no, jump: no, jumpTo: no, mulhu: no },
    ...{ store: act, atomic: act, environment: act },
  };
  meaning(builder);
  return found;
}

let acting: ReadonlySet<Instruction> | undefined;
const actingInstructions = (): ReadonlySet<Instruction> => (acting ??= new Set(INSTRUCTIONS.filter(acts)));

/** Whether the hart, which must not have an interrupt to take, spins in a short loop. */
export function spins(hart: HartState, memory: GuestMemory, mmu: Mmu, core: Core): boolean {
  const start = hart.pc;
  const hostOf = (virtual: bigint, access: Access, bytes: number): number => {
    const [low, high] = [Number(BigInt.asIntN(32, virtual)), Number(BigInt.asIntN(32, virtual >> 32n))];
    const physical = mmu.translate(hart, low, high, access, bytes);
    return physical < 0 ? 0 : memory.hostOf(physical);
  };
  let page = -1n;
  let host = 0;
  hart.note();
  let result = false;
  for (let i = 0; i < LOOP; i++) {
    if (hart.pc >> 12n !== page) {
      page = hart.pc >> 12n;
      host = hostOf(page << 12n, Access.fetch, 2);
    }
    const offset = Number(hart.pc & BigInt(PAGE - 1));
    if (host === 0 || offset > PAGE - 4) break;
    const word = memory.view.getInt32(host + offset, true);
    const decoded = decode(word);
    if (decoded === undefined) break;
    const done = actingInstructions().has(decoded.instruction)
      ? changesNothing(hart, decoded, memory.view, (address, bytes) => hostOf(address, Access.load, bytes))
      : core.peek(hart, word);
    if (!done) break;
    if (hart.pc === start) {
      result = hart.isAsNoted();
      break;
    }
  }
  hart.putBackNoted();
  return result;
}

/**
 * Executes a store of what is there already, or an amoswap of it: a lock that is asked for while another hart has it. False,
 * and nothing done, for any other instruction.
 */
function changesNothing(
  hart: HartState,
  { instruction, rd, rs1, rs2, imm, length }: Decoded,
  view: DataView,
  hostOf: (address: bigint, bytes: number) => number,
): boolean {
  const kind = /^(s|amoswap\.)([bhwd])$/.exec(instruction.name);
  if (kind === null) return false;
  const bytes = { b: 1, h: 2, w: 4, d: 8 }[kind[2]]!;
  const swaps = kind[1] !== 's';
  const address = BigInt.asUintN(64, hart.x(rs1) + (swaps ? 0n : BigInt(imm)));
  if (address % BigInt(bytes) !== 0n) return false;
  const host = hostOf(address, bytes);
  if (host === 0) return false;
  let there = 0n;
  for (let i = bytes - 1; i >= 0; i--) there = (there << 8n) | BigInt(view.getUint8(host + i));
  if (there !== BigInt.asUintN(bytes * 8, hart.x(rs2))) return false;
  if (swaps) hart.setX(rd, BigInt.asUintN(64, BigInt.asIntN(bytes * 8, there)));
  hart.advance(length);
  return true;
}
