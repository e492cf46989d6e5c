/** A kernel without its fences, and a strict TLB. */
import { strict as assert } from 'node:assert';
import { kernelWithBug, sessions } from '../support';

describe('a strict TLB', function () {
  this.timeout(60_000);
  const session = sessions();

  it('stops where a kernel without fences uses a translation of the table it has left, and says which line left it', async () => {
    await session().boot({ kernel: kernelWithBug(43), tlb: 'strict', filters: ['stale-translation'] });
    const stop = await session().stopped();
    assert.equal(stop.reason, 'exception');
    assert.match(stop.description ?? '', /^Stale translation: hart \d loads from 0x3fffffe\w{3} → PA 0x8\w{7} \(V R W/);
    assert.match((await session().places())[0]!, /^userret kernel\/trampoline\.S/);
    const { body } = await session().customRequest('exceptionInfo', { threadId: stop.threadId });
    const { exceptionId, description } = body as { exceptionId: string; description: string };
    assert.equal(exceptionId, 'stale translation');
    const lines = description.split('\n');
    assert.match(lines[1]!, /^The page tables now say: PA 0x8\w{7} \(V R W/);
    assert.match(
      lines[2]!,
      /^The TLB's entry is of .*, which satp named until hart \d wrote it in uservec\+\d+ at trampoline\.S:65, .* before, with no sfence\.vma after it that removes it; both tables have ASID 0$/,
    );
    assert.equal(new Set(lines).size, lines.length);
  });

  it('leads to that line, that table and that instant from its story', async () => {
    await session().boot({ kernel: kernelWithBug(43), tlb: 'strict', filters: ['stale-translation'] });
    await session().stopped();
    const { story } = await session().ask('xv6.story', {});
    const targets = story!.lines.flatMap(({ text, links }) =>
      links.map(({ from, to, target }) => ({ text: text.slice(from, to), ...target })),
    );
    const place = targets.find((one) => one.kind === 'place');
    assert.ok(place?.kind === 'place' && place.path.endsWith('trampoline.S') && place.line === 65);
    const table = targets.find((one) => one.kind === 'table');
    assert.ok(table?.kind === 'table' && table.id.startsWith('pid:'));
    const then = targets.find((one) => one.kind === 'instant');
    assert.ok(then?.kind === 'instant' && then.text.endsWith(' before'));
    const arrived = session().stopped();
    await session().ask('xv6.goTo', { instant: then.instant, ...(then.hart !== undefined && { hart: then.hart }) });
    await arrived;
    assert.match((await session().places())[0]!, /^uservec kernel\/trampoline\.S:65/);
  });

  it('counts in the console what each fence is good for', async () => {
    await session().boot({ tlb: 'strict', functions: ['sys_read'] });
    await session().stopped();
    const { body } = await session().evaluateRequest({ expression: '$fences', context: 'repl' });
    assert.match(body.result, /executed +needed +for new +needless {2}sfence\.vma/);
    // Before the change of table nothing is left to be removed; after it, all of the table before.
    assert.match(body.result, /^ +(\d+) +0 +0 +\1 {2}userret at trampoline\.S:79$/m);
    assert.match(body.result, /^ +(\d+) +\1 +0 +0 {2}userret\+\d+ at trampoline\.S:81$/m);
  });

  it('is an attribute that is checked, as is its seed', async () => {
    for (const [attributes, problem] of [
      [{ tlb: 'loose' }, /"tlb" in the launch configuration is "loose"; it must be "off" or "strict"/],
      [{ tlb: 'strict', tlbSeed: -1 }, /"tlbSeed" in the launch configuration is -1; it must be a whole number/],
      [{ tlbSeed: 3 }, /"tlbSeed" goes with "tlb": "strict"/],
    ] as const)
      await assert.rejects(session().boot(attributes as never), problem);
  });
});
