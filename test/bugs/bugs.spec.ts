/** Bugs that students make with page tables: that the debugger shows what names each, and raises nothing where there is none. */
import { strict as assert } from 'node:assert';
import { plantedKernel } from '../adapter/planted';
import { KERNEL, TestSession } from '../adapter/support';
import { documented, pageWith, sectionOf, write } from './document';
import { VARIANTS, type Variant, type Where } from './row';
import { ROWS } from './rows';
import { DEFAULTS, shownOf, whereShown } from './tell';

const IS_WRITING = process.env['XV6_WRITE_BUGS'] !== undefined;

describe('planted bugs', function () {
  this.timeout(180_000);
  const wheres = new Map<number, Where>();
  const sections = new Map<number, string>();

  for (const row of ROWS) {
    const { number, bug, where, shown, never = [] } = row;
    it(`${number}: ${bug} (${where === 'stop' ? 'on the stop' : where === 'click' ? 'one click' : 'not shown'})`, async () => {
      if (where === 'not') {
        wheres.set(number, where);
        sections.set(number, sectionOf(row, where, { stop: '', click: '' }));
      } else {
        const told = await shownOf(row);
        const all = `${told.stop}\n${told.click}`;
        for (const pattern of shown) assert.match(where === 'stop' ? told.stop : all, pattern);
        for (const pattern of never) assert.doesNotMatch(all, pattern);
        const found = whereShown(row, told);
        wheres.set(number, found);
        sections.set(number, sectionOf(row, found, told));
      }
      if (!IS_WRITING && row.varies !== true)
        assert.ok(documented().includes(sections.get(number)!), 'docs/bugs.md says so (XV6_WRITE_BUGS=1)');
    });
  }

  after(() => {
    if (IS_WRITING) write(pageWith(sections));
    const count = (where: Where): number => [...wheres.values()].filter((one) => one === where).length;
    console.log(
      `\n    on the stop ${count('stop')}, one click away ${count('click')}, not shown ${ROWS.length - count('stop') - count('click')}`,
    );
    console.log(`    ${count('stop') + count('click')} of ${ROWS.length} rows\n`);
  });
});

describe('a kernel without a bug', function () {
  this.timeout(300_000);

  for (const variant of VARIANTS) {
    it(`${variant || 'as it is'}: raises no stop, in all that shows the bugs and in usertests`, async () => {
      const session = await TestSession.open();
      session.defaultTimeout = 60_000;
      try {
        const stops = session.stopped().then(({ description }) => assert.fail(`it stopped: ${description}`));
        const survives = async (line: string, end: string): Promise<void> => {
          const from = await session.type(line);
          await Promise.race([session.written(end, from), stops]);
        };
        await session.boot({
          kernel: variant === '' ? KERNEL : plantedKernel(variant),
          harts: 3,
          filters: DEFAULTS,
        });
        await Promise.race([session.written('$ '), stops]);
        for (const line of linesOf(variant)) {
          const test = /^labtests (.*)/.exec(line)?.[1];
          await survives(line, test === undefined ? '\n$ ' : `labtests ${test}: OK\n$ `);
        }
        await survives('usertests -q', 'ALL TESTS PASSED');
      } finally {
        await session.stop();
      }
    });
  }
});

/** What is typed to show the bugs of a variant; programs that fault by themselves stop anywhere. */
const linesOf = (variant: Variant): string[] => [
  ...new Set(
    ROWS.flatMap((row) =>
      row.variant !== variant || row.run === undefined || /^(usertests|pagefault)/.test(row.run) ? [] : [row.run],
    ),
  ),
];
