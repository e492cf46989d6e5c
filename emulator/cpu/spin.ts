/**
 * Does a hart only wait for another one? A loop that stores nothing and comes back to the same pc with the same registers
 * will go round until memory changes, so the hart may as well be given a short turn. The answer depends on nothing but
 * the state at hand: the loop is run once, by the interpreter, and what it did to the registers is taken back.
 */
import { decode, INSTRUCTIONS } from '../isa/decode';
import type { Builder, Instruction } from '../isa/instruction';
import { Access, type Mmu } from '../mmu/mmu';
import type { GuestMemory } from '../mmu/guest-memory';
import type { Core } from './core';
import type { HartState } from './hart';
import { PAGE } from './layout';

/** Instructions of the longest loop that is looked through. */
const LOOP = 16;

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

const ACTING: ReadonlySet<Instruction> = new Set(INSTRUCTIONS.filter(acts));

/** Whether the hart, which must not have an interrupt to take, spins in a loop of one page. */
export function spins(hart: HartState, memory: GuestMemory, mmu: Mmu, core: Core): boolean {
  const start = hart.pc;
  const low = Number(BigInt.asIntN(32, start));
  const physical = mmu.translate(hart, low, Number(BigInt.asIntN(32, start >> 32n)), Access.fetch, 2);
  const host = physical < 0 ? 0 : memory.hostOf(physical);
  if (host === 0) return false;
  hart.note();
  let result = false;
  for (let i = 0; i < LOOP; i++) {
    const at = host + Number(hart.pc - start);
    if (Math.floor(at / PAGE) !== Math.floor(host / PAGE) || at % PAGE > PAGE - 4) break;
    const decoded = decode(memory.view.getInt32(at, true));
    if (decoded === undefined || ACTING.has(decoded.instruction)) break;
    if (!core.peek(hart, memory.view.getInt32(at, true))) break;
    if (hart.pc === start) {
      result = hart.isAsNoted();
      break;
    }
  }
  hart.putBackNoted();
  return result;
}
