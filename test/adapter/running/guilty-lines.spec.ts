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
    await session.boot({ kernel: kernelWithBug(31), harts: 1 });
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
});
