/** Page tables as the labs have them printed, and the check of one that a kernel has printed. */
import { strict as assert } from 'node:assert';
import { VMPRINT_FORMATS } from '../../../debug-adapter/protocol';
import { sessions } from '../support';

describe('vmprint', function () {
  this.timeout(60_000);
  const session = sessions();

  it('writes the table in the formats of all years', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    for (const format of VMPRINT_FORMATS) {
      const { text, label } = await session().ask('xv6.vmprint', { format, root: 'pid:1' });
      assert.equal(label, 'pid 1 init');
      const lines = text.trimEnd().split('\n');
      assert.match(lines[0]!, /^page table 0x[0-9a-f]{16}$/);
      assert.match(lines[1]!, format === '2024 and 2025' ? /^ \.\.0x0{16}: pte/ : /^ ?\.\.0: pte 0x[0-9a-f]{16} pa 0x/);
      assert.match(lines.at(-1)!, format === '2024 and 2025' ? /0x0000003ffffff000: / : /\.\. \.\. \.\.511: /);
    }
    await assert.rejects(session().ask('xv6.vmprint', { format: '1999' } as never), /format/);
    await assert.rejects(session().ask('xv6.vmprint', { format: '2020', root: 'pid:99' }), /no page table "pid:99"/);
  });

  it('checks the table that was printed last as it was then, line by line', async () => {
    await session().boot({ functions: ['sys_write'], harts: 1 });
    await session().stopped();
    await assert.rejects(session().ask('xv6.checkVmprint', {}), /shows no page table/);
    await session().setFunctionBreakpointsRequest({ breakpoints: [] });
    await session().continueRequest({ threadId: 1 });
    await session().written('$ ');
    const pause = async (): Promise<void> => {
      await session().pauseRequest({ threadId: 1 });
      await session().stopped();
    };
    const run = async (line: string): Promise<void> => {
      const from = session().console.length;
      await session().type(line);
      await session().written('\n$ ', from);
    };
    await pause();
    // That of init, which waits for the shell and changes nothing meanwhile.
    const { text } = await session().ask('xv6.vmprint', { format: '2020', root: 'pid:1' });
    await session().continueRequest({ threadId: 1 });
    const lines = text.trimEnd().split('\n');
    for (const [index, line] of lines.entries()) await run(`echo ${line} > f${index}`);
    await run(`cat ${lines.map((_, index) => `f${index}`).join(' ')}`);
    await pause();
    const right = { label: 'the table of pid 1 init', lines: lines.length - 1, problems: [] };
    assert.deepEqual(await session().ask('xv6.checkVmprint', {}), right);
    const before = await session().places(1);
    // Whatever becomes of the table since, it was right.
    const pte = (await session().value('$pte(0, proc[0].pagetable)', 'watch')).split(' ')[0]!;
    await session().evaluateRequest({ expression: '$pte(0, proc[0].pagetable) = 0', context: 'repl' });
    assert.deepEqual(await session().ask('xv6.checkVmprint', {}), right);
    assert.deepEqual(await session().places(1), before);
    await session().evaluateRequest({ expression: `$pte(0, proc[0].pagetable) = ${pte}`, context: 'repl' });
    // One that prints a wrong address, and leaves an entry out.
    await session().continueRequest({ threadId: 1 });
    await run(`echo ${lines[3]!.replace(/pa 0x0000000087/, 'pa 0x0000000086')} > f3`);
    await run(`cat ${lines.flatMap((_, index) => (index === 4 ? [] : [`f${index}`])).join(' ')}`);
    await pause();
    const { problems } = await session().ask('xv6.checkVmprint', {});
    assert.deepEqual(
      problems.map(({ what }) => what.replace(/0x[0-9a-f]+/, '0x…')),
      ['has another pa than its pte, which leads to 0x…', 'is missing'],
    );
    assert.equal(problems[1]!.line, lines[4]);
  });
});
