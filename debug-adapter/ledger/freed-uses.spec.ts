import { strict as assert } from 'node:assert';
import { X } from '../../emulator/isa/registers';
import { FakeMachine } from '../testing/fake-machine';
import { Frames } from './frames';
import { FreedUses } from './freed-uses';
import type { FreeLists } from './free-lists';

const PAGE = 0x80500;
const CALL = { site: 0x8000_0100n, pid: 3 };
const [KFREE, ELSEWHERE] = [0x8000_0740n, 0x8000_1000n];

function setUp() {
  const machine = new FakeMachine();
  const frames = new Frames(0x80000, 0x1000);
  const free = new Set<number>();
  const used: string[] = [];
  const uses = new FreedUses({
    ...{ machine, harts: machine.harts, frames },
    free: { hasUsed: (page: bigint) => free.has(Number(page >> 12n)) } as unknown as FreeLists,
    isAllocator: (pc) => pc >= KFREE && pc < KFREE + 0x40n,
    used: ({ access, pc }, page) => {
      used.push(`${access} ${page - PAGE} ${pc === ELSEWHERE ? 'elsewhere' : 'allocator'}`);
      return true;
    },
  });
  uses.begin();
  const frees = (page: number, isCount = false): void => {
    frames.freed(page, CALL);
    uses.freed(page);
    if (!isCount) free.add(page);
  };
  const touches = (
    page: number,
    offset = 64n,
    pc = ELSEWHERE,
    by: 'instruction' | 'device' = 'instruction',
  ): boolean => {
    const watch = machine.watches.find(({ address }) => address === BigInt(page) << 12n);
    const bytes = new Uint8Array(8);
    const event = {
      by,
      access: 'write',
      address: (BigInt(page) << 12n) + offset,
      before: bytes,
      after: bytes,
    } as const;
    return (
      watch !== undefined && machine.tell('data', { ...event, watch, ...(by === 'instruction' && { hart: 0, pc }) })
    );
  };
  const watched = (): number[] => machine.watches.map(({ address }) => Number(address >> 12n) - PAGE);
  return { machine, frames, free, uses, used, frees, touches, watched };
}

describe('uses of freed pages', () => {
  it('are told while the page is free, from when the process that freed it has left the kernel', () => {
    const { uses, used, frees, touches } = setUp();
    frees(PAGE);
    assert.equal(touches(PAGE), false, 'the allocator fills it');
    uses.settle();
    assert.equal(touches(PAGE), true);
    assert.deepEqual(used, ['write 0 elsewhere']);
  });

  it('are not those by the allocator, of the link, or by a device', () => {
    const { machine, uses, used, frees, touches, watched } = setUp();
    for (const page of [PAGE, PAGE + 1]) frees(page);
    uses.settle();
    assert.equal(touches(PAGE, 0n), false, 'somebody counts the free pages');
    assert.equal(touches(PAGE, 64n, ELSEWHERE, 'device'), false);
    assert.equal(touches(PAGE, 0n, KFREE + 8n), false);
    machine.harts[0]!.setX(X.ra, KFREE + 16n);
    assert.equal(touches(PAGE + 1), false, 'memset, called by the allocator');
    assert.deepEqual([used, watched()], [[], []]);
  });

  it('are not those of a page that was only counted down, or given out again', () => {
    const { frames, uses, used, frees, touches, watched } = setUp();
    frees(PAGE, true);
    frees(PAGE + 1);
    uses.settle();
    frames.allocated(PAGE + 1, CALL);
    uses.allocated(PAGE + 1);
    assert.deepEqual([touches(PAGE), touches(PAGE + 1)], [false, false]);
    assert.deepEqual([used, watched()], [[], []]);
    frees(PAGE + 2);
    uses.settle();
    frames.allocated(PAGE + 2, CALL);
    assert.equal(touches(PAGE + 2), false);
  });

  it('are not those in a function that the allocator has called, by where it returns to, alone', () => {
    const { machine, uses, frees, touches } = setUp();
    frees(PAGE);
    uses.settle();
    machine.harts[0]!.setX(X.ra, KFREE + 0x40n);
    assert.equal(touches(PAGE), true, 'called by the function behind the allocator’s');
  });

  it('are watched of the pages that were freed last, and again when they are restored', () => {
    const { uses, frees, watched } = setUp();
    for (let page = 0; page < 70; page++) frees(PAGE + page);
    frees(PAGE + 10);
    uses.settle();
    assert.deepEqual([watched().length, watched()[0], watched().at(-1)], [64, 6, 10]);
    const saved = uses.save() as number[];
    uses.clear();
    assert.deepEqual(watched(), []);
    uses.restore([...saved, 7]);
    assert.deepEqual([watched().length, watched().includes(7 - PAGE)], [64, false]);
    uses.end();
    assert.deepEqual(watched(), []);
  });
});
