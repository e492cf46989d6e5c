/**
 * Recognizes the plainest wait for a lock: a loop of a few instructions round one amoswap, which compute nothing that lasts
 * from one pass to the next. While such a hart finds the lock taken, another pass would change nothing.
 */
import type { GuestMemory } from '../mmu/guest-memory';
import { AccessType, type Mmu } from '../mmu/mmu';
import type { HartState } from '../cpu/hart';
import { HartOffset, PAGE } from '../layout';
import { type Decoded, decode, lengthOf } from '../isa/instructions/decode';

/** Bytes of the longest such loop, before and after its amoswap. */
const REACH = 32;
const MOST_KNOWN = 1024;

export interface LockLoop {
  /** Instructions of a pass. */
  instructions: number;
  /** The register that has the lock's address. */
  lock: number;
}

interface Site {
  /** The bytes around the amoswap, by half words, as they were when they were looked at. */
  halves: Uint16Array;
  loop: LockLoop | undefined;
}

export class LockLoops {
  /** By the host address of the instruction after the amoswap. */
  private readonly sites = new Map<number, Site>();

  constructor(
    private readonly memory: GuestMemory,
    private readonly mmu: Mmu,
  ) {}

  /** The loop in which the hart, which is behind an amoswap, does nothing but wait; undefined if it is in none. */
  around(hart: HartState): LockLoop | undefined {
    const low = hart.half(HartOffset.pc);
    const high = hart.half(HartOffset.pc + 4);
    const host = this.mmu.hostAtHalves(hart, low, high, AccessType.fetch, 2);
    const inPage = host & (PAGE - 1);
    if (host === 0 || inPage < REACH || inPage > PAGE - REACH) return undefined;
    const first = host / 2 - REACH / 2;
    let site = this.sites.get(host);
    if (site === undefined || !this.holds(site, first)) {
      if (this.sites.size === MOST_KNOWN) this.sites.clear();
      const halves = this.memory.u16.slice(first, first + REACH);
      this.sites.set(host, (site = { halves, loop: loopIn(halves) }));
    }
    return site.loop;
  }

  private holds({ halves }: Site, first: number): boolean {
    const { u16 } = this.memory;
    for (let i = 0; i < REACH; i++) if (u16[first + i] !== halves[i]) return false;
    return true;
  }
}

/** The loop around the amoswap that ends in the middle; undefined if there is none, or it does more than to wait. */
function loopIn(halves: Uint16Array): LockLoop | undefined {
  const behind = straight(halves, REACH / 2, REACH);
  const branch = behind.at(-1);
  if (branch?.instruction.control !== 'branch') return undefined;
  const end = behind.reduce((at, { length }) => at + length / 2, REACH / 2);
  const start = end + (branch.imm - branch.length) / 2;
  if (start < 0 || start >= REACH / 2) return undefined;
  const before = straight(halves, start, REACH / 2);
  const swap = before.at(-1);
  if (swap?.instruction.access?.swaps !== true) return undefined;
  const pass = [...behind, ...before];
  return waits(pass) ? { instructions: pass.length, lock: swap.rs1 } : undefined;
}

/** The instructions from one half word to another, or to the first that is a branch; empty if there is none that leads there. */
function straight(halves: Uint16Array, from: number, to: number): Decoded[] {
  const found: Decoded[] = [];
  for (let at = from; at < to;) {
    const low = halves[at]!;
    const decoded = decode(lengthOf(low) === 2 ? low : low | ((halves[at + 1] ?? 0) << 16));
    if (decoded === undefined) return [];
    found.push(decoded);
    at += decoded.length / 2;
    if (decoded.instruction.control !== 'none') return to === halves.length ? found : [];
    if (at === to) return to === halves.length ? [] : found;
  }
  return [];
}

/** Whether a pass, from behind its swap to the swap, leaves registers as another pass would, and touches the lock alone. */
function waits(pass: readonly Decoded[]): boolean {
  const swap = pass.at(-1)!;
  // What the pass writes, it writes anew from what it does not write, and from what the swap found, which is the same again.
  const written = new Set(pass.flatMap(({ instruction, rd }) => (instruction.hasRd && rd !== 0 ? [rd] : [])));
  if (written.has(swap.rs1) && swap.rs1 === swap.rd) return false;
  const known = new Set([swap.rd]);
  for (const step of pass) {
    const { instruction, rd, rs1, rs2 } = step;
    if (instruction.hasFloats) return false;
    if (step !== swap && (instruction.access !== undefined || instruction.system !== undefined)) return false;
    for (const used of [instruction.hasRs1 ? rs1 : 0, instruction.hasRs2 ? rs2 : 0])
      if (written.has(used) && !known.has(used)) return false;
    if (instruction.hasRd) known.add(rd);
  }
  return true;
}
