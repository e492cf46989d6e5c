/** The locks that are told where their number has decided something: all of them, and none where they are not what was counted. */
import assert from 'node:assert/strict';
import * as C from '../../expressions/types';
import type { AskedGuest } from '../../questions/occurrence';
import { arrayOf, struct } from '../../testing/program';
import { CPUS, guestKernel } from '../../testing/xv6-kernel';
import { openXv6 } from '../../xv6/kernel';
import { locksCounted } from './held-locks';

const LOCKS = 0x8001f000n;
const lock = struct('spinlock', { cpu: C.pointerTo(C.VOID), locked: C.INT });
const { program } = guestKernel();
program.addGlobal('locks', arrayOf(lock, 5), LOCKS);
const xv6 = openXv6(program, program.read);
/** The struct cpu of hart 1, and its first member, the noff. */
const CPU = CPUS + BigInt(xv6.cpus!.stride);

/** What is said of hart 1, which holds so many of the locks. */
function told(held: number, word: bigint, value: bigint): string[] {
  for (let index = 0; index < 5; index++) {
    program.poke(LOCKS + BigInt(index * lock.size), CPU);
    program.poke(LOCKS + BigInt(index * lock.size + 8), index < held ? 1n : 0n, 4);
  }
  return locksCounted({ xv6 } as AskedGuest, 1, word, value).map(({ what }) => what);
}

describe('the locks that a count is of', () => {
  const [FIRST, SECOND] = ['locks[0], which hart 1 holds,', 'locks[1], which hart 1 holds,'];
  const ROWS: [string, string[], string[]][] = [
    ['those that the hart holds', told(2, CPU, 2n), [FIRST, SECOND]],
    ['one', told(1, CPU, 1n), [FIRST]],
    ['none where one of them is not known', told(2, CPU, 3n), []],
    ['none where one is held that was not counted', told(2, CPU, 1n), []],
    ['none of another hart’s count', told(2, CPUS, 2n), []],
    ['none of another word', told(2, CPU + 8n, 2n), []],
    ['none where there are too many to be told', told(4, CPU, 4n), []],
  ];
  for (const [what, found, locks] of ROWS) it(`are ${what}`, () => assert.deepEqual(found, locks));
});
