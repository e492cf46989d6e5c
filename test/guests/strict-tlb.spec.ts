/**
 * No false alarm of the strict TLB: the sample, and a real xv6 that is built elsewhere (XV6_DIR; with XV6_USERTESTS=1 through its
 * usertests, which takes minutes). And the planted bug whose fences are missing, which runs through without it.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { tlbOfSeed } from '../../emulator/strict-tlb/event';
import type { StaleTranslationEvent } from '../../emulator/types';
import { plantedKernel } from '../adapter/planted';
import { Guest, type GuestOptions } from './guest';
import { labAt } from './lab';

const PREBUILT = path.join(__dirname, '..', '..', 'sample', 'prebuilt');
const FOLDER = process.env.XV6_DIR;
const USERTESTS = process.env.XV6_USERTESTS === '1';
const STRICT = tlbOfSeed(0);

function boot(options: Omit<GuestOptions, 'harts'>): { guest: Guest; stale: StaleTranslationEvent[] } {
  const guest = new Guest({ harts: 3, tlb: STRICT, ...options });
  const stale: StaleTranslationEvent[] = [];
  guest.machine.subscribe({ staleTranslation: (event) => stale.push(event) < 0 });
  return { guest, stale };
}

const KERNEL = path.join(PREBUILT, 'kernel');
const sample = (kernel: string, tlb = STRICT): ReturnType<typeof boot> =>
  boot({
    ...{ memory: 128 << 20, legacyVirtio: false, tlb },
    kernel: fs.readFileSync(kernel),
    disk: fs.readFileSync(path.join(PREBUILT, 'fs.img')),
  });

describe('a strict TLB under a kernel', function () {
  this.timeout(30 * 60_000);

  for (const seed of [0, 7]) {
    it(`raises nothing in the sample's own tests, with seed ${seed}`, () => {
      const { guest, stale } = sample(KERNEL, tlbOfSeed(seed));
      guest.expect('$ ');
      guest.send('usertests');
      guest.expect('ALL TESTS PASSED');
      assert.deepEqual(stale, []);
    });
  }

  it('finds the fences that are missing, while the kernel boots', () => {
    const { guest, stale } = sample(plantedKernel('43'));
    assert.throws(() => guest.expect('$ '));
    assert.ok(stale.length > 0 && stale.every(({ change, card }) => change?.by === 'satp' && card === undefined));
  });

  it('tells that the kernel relies on A and D being set by hardware', () => {
    const { guest, stale } = sample(KERNEL, tlbOfSeed(8));
    guest.machine.subscribe({ staleTranslation: () => true });
    assert.throws(() => guest.expect('$ '), /the machine stopped: staleTranslation/);
    assert.deepEqual(
      stale.map(({ card }) => card),
      ['fault'],
    );
  });

  if (FOLDER === undefined) return;
  const lab = labAt(FOLDER);
  it(`raises nothing in ${lab.name}`, () => {
    const { memory, legacyVirtio } = lab;
    const files = { kernel: fs.readFileSync(lab.kernel), disk: fs.readFileSync(lab.image) };
    const { guest, stale } = boot({ memory, legacyVirtio, ...files });
    guest.expect('$ ');
    guest.send(USERTESTS ? `usertests ${lab.quick}` : 'ls');
    guest.expect(USERTESTS ? 'ALL TESTS PASSED' : 'usertests', 1e12);
    assert.deepEqual(stale, []);
  });
});
