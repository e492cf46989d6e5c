/** Guests that change tables and fence, rightly or not: what a strict TLB lets them see, and what it reports. */
import assert from 'node:assert/strict';
import { PTE } from '../isa/sv39';
import { Machine } from '../machine';
import type { FenceProgram } from '../testing/fences/fence-program';
import { contentOf, pageAt } from '../testing/fences/fence-program';
import { R } from '../testing/guests';
import { entry, RWX } from '../testing/page-tables';
import {
  cards,
  INSTRUCTIONS,
  LOAD_PAGE_FAULT,
  MACHINE,
  OTHER_VA,
  program,
  remapped,
} from '../testing/fences/stale-runs';
import { run, runKernel, STRICT, VA } from '../testing/fences/stale-runs';
import type { StaleTranslationEvent } from '../types';

const { s2, s3, s4, a5 } = R;

describe('a strict TLB', () => {
  it('is not there unless it is asked for: a change of a table is seen without a fence', () => {
    const made = program();
    const kernel = made
      .load(s2, VA)
      .store(made.leaf, entry(pageAt(2), RWX))
      .load(s3, VA)
      .kernel();
    const machine = new Machine({ ...MACHINE, kernel });
    machine.run({ instructions: INSTRUCTIONS });
    assert.deepEqual([machine.harts[0]!.x(s3), machine.fenceCounts], [contentOf(2), undefined]);
  });

  it('keeps what an entry said until it is fenced, and reports the first use with the store, both entries and the hart', () => {
    const { found, events } = remapped(() => undefined);
    assert.equal(found, contentOf(0));
    assert.equal(events.length, 1);
    const [{ hart, va, access, used, now, change, fence, card, asid }] = events as [StaleTranslationEvent];
    assert.deepEqual([hart, va, access, asid, card, fence], [0, BigInt(VA), 'load', 0, undefined, undefined]);
    assert.deepEqual([used.pte, used.physical, used.level], [entry(pageAt(0), RWX), BigInt(pageAt(0)), 0]);
    assert.deepEqual([now?.pte, now?.physical, now?.address], [entry(pageAt(2), RWX), BigInt(pageAt(2)), used.address]);
    assert.deepEqual([change?.by, change?.hart], ['store', 0]);
    assert.ok(change!.pc! < events[0]!.pc && change!.time > 0);
  });

  it('lets an access to a page that was unmapped pass, and keeps rights that were taken or refused', () => {
    const unmapped = program();
    unmapped.load(s2, VA).store(unmapped.leaf, 0).load(s3, VA);
    const first = run(unmapped);
    assert.equal(first.x(s3), contentOf(0));
    assert.deepEqual(
      first.events.map(({ now }) => [now?.pte, now?.physical]),
      [[0n, undefined]],
    );

    const granted = program();
    granted.tables.set(granted.leaf, entry(pageAt(0), PTE.V | PTE.R | PTE.A));
    granted
      .load(s2, VA)
      .store(granted.leaf, entry(pageAt(0), RWX))
      .store(VA, 99)
      .load(s3, VA);
    const second = run(granted);
    assert.equal(second.x(a5), 15n);
    assert.equal(second.x(s3), contentOf(0));
    assert.deepEqual(
      second.events.map(({ access, used, now }) => [access, used.physical, now?.physical]),
      [['store', undefined, BigInt(pageAt(0))]],
    );
  });

  it('says nothing where the older translation leads to the same', () => {
    const made = program();
    // Another entry, and another level, for the same page; and rights that the access does not need.
    made
      .load(s2, VA)
      .store(made.leaf, entry(pageAt(0), RWX & ~PTE.W))
      .load(s3, VA);
    const { x, events } = run(made);
    assert.deepEqual([x(s3), events], [contentOf(0), []]);
  });

  it('says nothing of an entry that no walk can have completed, since A was not set', () => {
    const made = program();
    made.tables.set(made.leaf, entry(pageAt(0), RWX & ~PTE.A));
    made
      .load(s4, OTHER_VA)
      .store(made.leaf, entry(pageAt(2), RWX))
      .load(s3, VA);
    const { x, events } = run(made);
    assert.deepEqual([x(s3), events], [contentOf(2), []]);
  });

  it('does not set A anew where it was cleared without a fence, and reports that', () => {
    const made = program();
    made
      .load(s2, VA)
      .store(made.leaf, entry(pageAt(0), RWX & ~PTE.A))
      .load(s3, VA);
    const { events, machine } = run(made);
    assert.equal(events.length, 1);
    assert.equal(machine.memory.readU64(BigInt(made.leaf)), entry(pageAt(0), RWX & ~PTE.A));
    const fenced = program();
    fenced
      .load(s2, VA)
      .store(fenced.leaf, entry(pageAt(0), RWX & ~PTE.A))
      .fence()
      .load(s3, VA);
    const again = run(fenced);
    assert.deepEqual(again.events, []);
    assert.equal(again.machine.memory.readU64(BigInt(fenced.leaf)), entry(pageAt(0), RWX));
  });

  it('blames the store after which the entry differed, not an earlier one of the same value', () => {
    const made = program();
    made.load(s2, VA).store(made.leaf, entry(pageAt(0), RWX));
    const from = BigInt(made.code.here);
    made.store(made.leaf, entry(pageAt(2), RWX)).load(s3, VA);
    const { events } = run(made);
    assert.ok(events[0]!.change!.pc! >= from);
  });

  it('keeps translations of a table that satp no longer names, under the same ASID only', () => {
    for (const [asid, fenced, found] of [
      [0, false, 0],
      [0, true, 3],
      [1, false, 3],
    ] as const) {
      const made = program();
      const second = made.space();
      made.tables.map(second, VA, pageAt(3), RWX);
      made.load(s2, VA).writeSatp(made.satp(second, asid));
      if (fenced) made.fence();
      const { x, events } = run(made.load(s3, VA));
      assert.equal(x(s3), contentOf(found), `${asid} ${fenced}`);
      assert.deepEqual(
        events.map(({ change, root }) => [change?.by, root]),
        found === 0 ? [['satp', BigInt(made.root)]] : [],
      );
    }
  });

  it('has a table that was left as it was then, whatever is written to it later', () => {
    const made = program();
    const second = made.space();
    made.tables.map(second, OTHER_VA, pageAt(3), RWX);
    // Written after it was left, and so never cached: then not to be used by the other space.
    made.tables.set(made.leaf, 0n);
    made.tables.map(made.root, VA + 0x2000, pageAt(5), RWX);
    made
      .load(s4, OTHER_VA)
      .writeSatp(made.satp(second))
      .store(made.leaf, entry(pageAt(4), RWX))
      .load(s3, VA);
    const { x, events } = run(made);
    assert.deepEqual([x(s3), x(a5), events], [0n, LOAD_PAGE_FAULT, []]);
  });

  it('keeps translations below a pointer that was overwritten, as they were, unless it caches pointers', () => {
    const build = (): FenceProgram => {
      const made = program();
      const pointer = made.tables.entryAt(made.root, BigInt(VA), 1);
      // The table's page is used for something else by then.
      return made
        .load(s2, VA)
        .store(pointer, 0)
        .store(made.leaf, entry(pageAt(6), RWX))
        .load(s3, VA);
    };
    const leaves = run(build());
    assert.equal(leaves.x(s3), contentOf(0));
    assert.deepEqual(
      leaves.events.map(({ card }) => card),
      [undefined],
    );
    const pointers = run(build(), cards('non-leaf'));
    assert.equal(pointers.x(s3), contentOf(6));
    assert.deepEqual(
      pointers.events.map(({ card }) => card),
      ['non-leaf'],
    );
  });

  it('is not misled by a table that is used again elsewhere in the same space', () => {
    const made = program();
    const pointer = made.tables.entryAt(made.root, BigInt(VA), 1);
    const table = made.leaf - (made.leaf % 4096);
    const NEW = VA + 0x40_0000;
    made
      .load(s2, VA)
      .store(pointer, 0)
      .store(pointer + 16, entry(table, PTE.V))
      .store(made.leaf, entry(pageAt(6), RWX));
    const { x, events } = run(made.load(s3, NEW));
    assert.deepEqual([x(s3), events], [contentOf(6), []]);
  });

  it('caches what is not valid only if it is told to', () => {
    const build = (fence: boolean): FenceProgram => {
      const made = program();
      made.tables.set(made.leaf, 0n);
      made.load(s4, OTHER_VA).store(made.leaf, entry(pageAt(2), RWX));
      if (fence) made.fence(VA);
      return made.load(s3, VA);
    };
    assert.deepEqual(run(build(false)).events, []);
    const played = run(build(false), cards('invalid'));
    assert.deepEqual([played.x(s3), played.x(a5)], [0n, LOAD_PAGE_FAULT]);
    assert.deepEqual(
      played.events.map(({ card, used }) => [card, used.pte]),
      [['invalid', 0n]],
    );
    assert.deepEqual(run(build(true), cards('invalid')).events, []);
  });

  it('raises a page fault where A or D is missing, if it is told to, and says so once', () => {
    const made = program();
    made.tables.set(made.leaf, entry(pageAt(0), RWX & ~PTE.D));
    const kernel = made.load(s2, VA).store(VA, 99).store(VA, 99).load(s3, VA).kernel();
    const { x, events } = runKernel(kernel, cards('fault'));
    assert.deepEqual([x(s2), x(s3), x(a5)], [contentOf(0), contentOf(0), 15n]);
    assert.deepEqual(
      events.map(({ card, access }) => [card, access]),
      [['fault', 'store']],
    );
    assert.equal(runKernel(kernel, STRICT).x(s3), 99n);
  });

  it('loses some early, if it is told to, and which depends on the seed', () => {
    const found = [1, 2, 3, 4, 5, 6, 7, 8].map(
      (seed) => remapped(() => undefined, { cards: ['evict'], seed }).found === contentOf(0),
    );
    assert.ok(found.includes(true) && found.includes(false));
  });

  it('takes what a debugger writes as fenced', () => {
    const made = program();
    const here = BigInt(made.load(s2, VA).code.here);
    const machine = new Machine({ ...MACHINE, kernel: made.load(s3, VA).kernel(), tlb: STRICT });
    const events: StaleTranslationEvent[] = [];
    machine
      .subscribe({ staleTranslation: (event) => events.push(event) < 0, execute: () => true })
      .setAddresses([here]);
    assert.equal(machine.run({ instructions: INSTRUCTIONS }).kind, 'breakpoint');
    const bytes = new Uint8Array(new BigUint64Array([entry(pageAt(2), RWX)]).buffer);
    assert.ok(machine.apply({ kind: 'memory', address: BigInt(made.leaf), bytes }));
    machine.run({ instructions: INSTRUCTIONS });
    assert.deepEqual([machine.harts[0]!.x(s3), events], [contentOf(2), []]);
  });

  it('stops before the trap to which a translation leads, and then goes on through it', () => {
    const made = program();
    made.tables.set(made.leaf, entry(pageAt(0), PTE.V | PTE.R | PTE.A));
    made.load(s2, VA).store(made.leaf, entry(pageAt(0), RWX));
    const stores = BigInt(made.code.here);
    const machine = new Machine({ ...MACHINE, kernel: made.store(VA, 99).kernel(), tlb: STRICT });
    machine.subscribe({ staleTranslation: () => true, trap: () => true });
    const first = machine.run({ instructions: INSTRUCTIONS });
    assert.equal(first.kind, 'staleTranslation');
    const { pc } = machine.harts[0]!;
    assert.ok(pc > stores);
    const second = machine.run({ instructions: INSTRUCTIONS });
    assert.ok(second.kind === 'trap' && second.event.epc === pc && second.event.cause === 15);
    assert.equal(machine.run({ instructions: INSTRUCTIONS }).kind, 'idle');
    assert.equal(machine.harts[0]!.x(a5), 15n);
  });
});
