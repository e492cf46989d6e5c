/** Planted bugs whose cause lies before their symptom: a question or two to the past, from the stop that shows the symptom, lead to the guilty line. */
import { strict as assert } from 'node:assert';
import { kernelWithBug, lineOf, sessions, type Stop, type TestSession } from '../support';

/** Asks who wrote a place, named in the frame of a function, and goes there. */
async function whoWrote(session: TestSession, name: string, frame: RegExp, threadId: number): Promise<Stop> {
  const stack = await session.stack(threadId);
  const found = stack.find((one) => frame.test(one.name));
  assert.ok(found, `no ${frame} among ${stack.map((one) => one.name).join(', ')}`);
  await session.ask('xv6.whoWrote', { name, frameId: found.id });
  return session.stopped();
}

describe('the guilty line', function () {
  this.timeout(120_000);
  const current = sessions();

  it('of a leaf that is left after the end of a program: who mapped it, beyond its size', async () => {
    const session = current();
    await session.boot({ kernel: kernelWithBug(14), harts: 1 });
    await session.written('$ ');
    await session.type('ls');
    const { threadId } = await session.stopped();
    assert.match(session.console, /\$ ls/);
    const stop = await whoWrote(session, 'pagetable[i]', /^freewalk/, threadId!);
    assert.match(stop.description!, /^Last write of pagetable\[i\]: /);
    const places = await session.places(stop.threadId!);
    assert.equal(places[0], `mappages kernel/vm.c:${lineOf('kernel/vm.c', /\*pte = PA2PTE\(pa \+ offset\)/)}`);
    assert.match(places[1]!, /^uvm/);
    // From here the run is stepped and asked as at the present.
    assert.equal(await session.value('offset % 4096', 'watch'), '0');
  });

  it('of a leaf whose frame was freed: the entry was never cleared since it was made', async () => {
    const session = current();
    await session.boot({ kernel: kernelWithBug(42), harts: 1 });
    const { threadId } = await session.stopped();
    const stop = await whoWrote(session, 'pagetable[i]', /^freewalk/, threadId!);
    const [place] = await session.places(stop.threadId!);
    assert.equal(place, `mappages kernel/vm.c:${lineOf('kernel/vm.c', /\*pte = PA2PTE\(pa \+ offset\)/)}`);
  });

  it('of code that is not the program’s any more: who freed the page under it', async () => {
    const session = current();
    await session.boot({ kernel: kernelWithBug(31), harts: 1, filters: ['panic'] });
    await session.written('$ ');
    await session.type('forktest');
    const { threadId } = await session.stopped();
    assert.match(session.console, /illegal instruction/);
    const stop = await whoWrote(session, '*(unsigned short *)$pc', /in the user program/, threadId!);
    const places = await session.places(stop.threadId!);
    assert.match(places[0]!, /^memset /);
    assert.match(places[1]!, /^kfree /);
    assert.match(places[2]!, /^uvmunmap /);
    assert.ok(
      places.some((place) => place.startsWith('exec ')),
      places.join(', '),
    );
    assert.match(stop.description!, /before the present$/);
  });

  it('of a page that is mapped twice: who mapped it first', async () => {
    const session = current();
    await session.boot({ kernel: kernelWithBug(3), harts: 1 });
    const { threadId, description } = await session.stopped();
    assert.equal(description, 'panic: mappages: remap');
    const second = (await session.places(threadId!))[2];
    const stop = await whoWrote(session, '$pte(va + offset, pagetable)', /^mappages/, threadId!);
    const places = await session.places(stop.threadId!);
    assert.equal(places[0], `mappages kernel/vm.c:${lineOf('kernel/vm.c', /\*pte = PA2PTE\(pa \+ offset\)/)}`);
    assert.equal(
      places[1],
      `kpt_make kernel/kpt.c:${lineOf('kernel/kpt.c', /^  if \(mappages\(table, stack, PGSIZE/)}`,
    );
    assert.notEqual(places[1], second);
  });

  it('of a table that frees its leaves: what the leaf was made for', async () => {
    const session = current();
    await session.boot({ kernel: kernelWithBug(8), harts: 1 });
    await session.written('$ ');
    await session.type('ls');
    const { threadId, description } = await session.stopped();
    assert.equal(description, 'panic: kfree');
    const places = await session.places(threadId!);
    assert.equal(places[2], `free_tables kernel/kpt.c:${lineOf('kernel/kpt.c', /kfree\(\(void \*\)PTE2PA/)}`);
    const stop = await whoWrote(session, 'table[i]', /^free_tables/, threadId!);
    assert.match((await session.places(stop.threadId!))[1]!, /^kpt_make kernel\/kpt\.c:/);
    assert.equal(await session.value('pa + offset'), '0xc000000', 'the PLIC');
  });

  it('of a page that is not mapped: with which arguments the table’s pages were', async () => {
    const session = current();
    await session.boot({ kernel: kernelWithBug(17), harts: 1, filters: ['panic'] });
    const { threadId, description } = await session.stopped();
    assert.equal(description, 'panic: uvmunmap: not mapped');
    const frame = (await session.stack(threadId)).find(({ name }) => name === 'uvmunmap')!;
    const table = await session.value('pagetable', 'watch', frame.id);
    const query = `$calls(mappages, pagetable == ${table.split(' ')[0]})`;
    const { rows } = await session.ask('xv6.query', { query, frameId: frame.id });
    const { line, parts } = rows.at(-1)!;
    assert.equal(line, lineOf('kernel/cow.c', /mappages\(new, pa, PGSIZE, va, perm\)/));
    const [va, pa] = ['va', 'pa'].map((name) => Number(parts.find((part) => part.name === name)!.value));
    assert.ok(va! >= 0x8000_0000 && pa! < 0x10_0000, JSON.stringify(parts));
  });

  it('of an entry that has lost its page: before and after each line that wrote it', async () => {
    const session = current();
    await session.boot({ kernel: kernelWithBug(36), harts: 1, filters: ['panic'] });
    await session.written('$ ');
    await session.type('ls');
    const { threadId, description } = await session.stopped();
    assert.equal(description, 'panic: kerneltrap');
    const frame = (await session.stack(threadId)).find(({ name }) => name === 'cow_break')!;
    const { rows } = await session.ask('xv6.query', { query: '$writes(*pte)', frameId: frame.id });
    const guilty = rows.at(-1)!;
    assert.equal(guilty.line, lineOf('kernel/cow.c', /\*pte = \(\*pte & flags\)/));
    const [before, after] = guilty.parts.map(({ value }) => Number(value.split(' ')[0]));
    assert.ok(before! > 0x2000_0000 && after! < 0x400, guilty.what);
  });
});
