/** The locks that a hart holds, where the number of them has decided something: one of them has not been released. */
import { findMember } from '../../expressions/types';
import type { AskedGuest } from '../../questions/occurrence';
import type { Range } from '../../questions/spots';
import { globalName } from '../../xv6/channel';
import { locksHeldBy } from '../../xv6/cpus';

/** More of them are not told. */
const MOST = 3;

/** A lock, as the subject of a sentence, and the word that was written when it was taken. */
export interface CountedLock {
  readonly what: string;
  readonly parts: readonly Range[];
}

/** The locks that the hart holds now, if the word at a physical address is the `noff` of its `struct cpu`, and counts them. */
export function locksCounted({ xv6 }: AskedGuest, hart: number, word: bigint, value: bigint): CountedLock[] {
  const { cpus } = xv6;
  const count = cpus && findMember(cpus.record, 'noff');
  if (count === undefined || word !== cpus!.address + BigInt(hart * cpus!.stride + count.offset)) return [];
  const locks = locksHeldBy(xv6, hart);
  if (BigInt(locks.length) !== value || locks.length > MOST) return [];
  return locks.map((owner) => ({
    // Not by the lock's address: what begins with a lock has the same.
    what: `${globalName(xv6, owner)?.replace(/\.\w+$/, '') ?? 'a lock'}, which hart ${hart} holds,`,
    parts: [{ address: owner, length: 8 }],
  }));
}
