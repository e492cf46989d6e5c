import assert from 'node:assert/strict';
import { PTE, pteOf } from '../../emulator/isa/sv39';
import { VMPRINT_FORMATS, type VmprintFormat } from '../protocol';
import { checkDump, lastDump, validEntries, vmprint } from './vmprint';

const { V, R, W, X, U } = PTE;
/** The table of the course's lecture: the first process's, when it has just run exec. */
const ROOT = 0x87f67000n;
const PAGES: Record<number, Record<number, bigint>> = {
  0x87f67000: { 0: pteOf(0x87f63000n, V), 255: pteOf(0x87f66000n, V) },
  0x87f63000: { 0: pteOf(0x87f62000n, V) },
  0x87f62000: {
    0: pteOf(0x87f64000n, V | R | W | X | U),
    1: pteOf(0x87f61000n, V | R | W | X),
    2: pteOf(0x87f60000n, V | R | W | X | U),
  },
  0x87f66000: { 511: pteOf(0x87f65000n, V) },
  0x87f65000: { 510: pteOf(0x87f76000n, V | R | W), 511: pteOf(0x80007000n, V | R | X) },
};
const memory = {
  read(address: bigint, length: number): Uint8Array | undefined {
    const page = PAGES[Number(address)];
    if (page === undefined) return undefined;
    const view = new DataView(new ArrayBuffer(length));
    for (const [index, entry] of Object.entries(page)) view.setBigUint64(Number(index) * 8, entry, true);
    return new Uint8Array(view.buffer);
  },
};
const entries = validEntries(memory, ROOT);

const GOLDEN: Record<VmprintFormat, string> = {
  '2020': `page table 0x0000000087f67000
..0: pte 0x0000000021fd8c01 pa 0x0000000087f63000
.. ..0: pte 0x0000000021fd8801 pa 0x0000000087f62000
.. .. ..0: pte 0x0000000021fd901f pa 0x0000000087f64000
.. .. ..1: pte 0x0000000021fd840f pa 0x0000000087f61000
.. .. ..2: pte 0x0000000021fd801f pa 0x0000000087f60000
..255: pte 0x0000000021fd9801 pa 0x0000000087f66000
.. ..511: pte 0x0000000021fd9401 pa 0x0000000087f65000
.. .. ..510: pte 0x0000000021fdd807 pa 0x0000000087f76000
.. .. ..511: pte 0x0000000020001c0b pa 0x0000000080007000`,
  '2021 to 2023': `page table 0x0000000087f67000
 ..0: pte 0x0000000021fd8c01 pa 0x0000000087f63000
 .. ..0: pte 0x0000000021fd8801 pa 0x0000000087f62000
 .. .. ..0: pte 0x0000000021fd901f pa 0x0000000087f64000
 .. .. ..1: pte 0x0000000021fd840f pa 0x0000000087f61000
 .. .. ..2: pte 0x0000000021fd801f pa 0x0000000087f60000
 ..255: pte 0x0000000021fd9801 pa 0x0000000087f66000
 .. ..511: pte 0x0000000021fd9401 pa 0x0000000087f65000
 .. .. ..510: pte 0x0000000021fdd807 pa 0x0000000087f76000
 .. .. ..511: pte 0x0000000020001c0b pa 0x0000000080007000`,
  '2024 and 2025': `page table 0x0000000087f67000
 ..0x0000000000000000: pte 0x0000000021fd8c01 pa 0x0000000087f63000
 .. ..0x0000000000000000: pte 0x0000000021fd8801 pa 0x0000000087f62000
 .. .. ..0x0000000000000000: pte 0x0000000021fd901f pa 0x0000000087f64000
 .. .. ..0x0000000000001000: pte 0x0000000021fd840f pa 0x0000000087f61000
 .. .. ..0x0000000000002000: pte 0x0000000021fd801f pa 0x0000000087f60000
 ..0x0000003fc0000000: pte 0x0000000021fd9801 pa 0x0000000087f66000
 .. ..0x0000003fffe00000: pte 0x0000000021fd9401 pa 0x0000000087f65000
 .. .. ..0x0000003fffffe000: pte 0x0000000021fdd807 pa 0x0000000087f76000
 .. .. ..0x0000003ffffff000: pte 0x0000000020001c0b pa 0x0000000080007000`,
  lecture: `page table 0x0000000087f67000
 ..0: pte 0x0000000021fd8c01 pa 0x0000000087f63000 fl 0x0000000000000001
 .. ..0: pte 0x0000000021fd8801 pa 0x0000000087f62000 fl 0x0000000000000001
 .. .. ..0: pte 0x0000000021fd901f pa 0x0000000087f64000 fl 0x000000000000001f
 .. .. ..1: pte 0x0000000021fd840f pa 0x0000000087f61000 fl 0x000000000000000f
 .. .. ..2: pte 0x0000000021fd801f pa 0x0000000087f60000 fl 0x000000000000001f
 ..255: pte 0x0000000021fd9801 pa 0x0000000087f66000 fl 0x0000000000000001
 .. ..511: pte 0x0000000021fd9401 pa 0x0000000087f65000 fl 0x0000000000000001
 .. .. ..510: pte 0x0000000021fdd807 pa 0x0000000087f76000 fl 0x0000000000000007
 .. .. ..511: pte 0x0000000020001c0b pa 0x0000000080007000 fl 0x000000000000000b`,
};

describe('a page table as the labs have it printed', () => {
  for (const format of VMPRINT_FORMATS) {
    it(`of ${format}`, () => assert.equal(vmprint(ROOT, entries, format).join('\n'), GOLDEN[format]));

    it(`of ${format} is right as it is, and each line that is spoilt is found`, () => {
      const right = lastDump(`$ ls\n${GOLDEN[format]}\ninit: starting sh\n$ `)!;
      assert.equal(right.root, ROOT);
      assert.equal(right.lines.length, 9);
      assert.deepEqual(checkDump(right, entries), []);
      const spoil = (at: number, change: (line: string) => string): string[] =>
        checkDump(
          { ...right, lines: right.lines.flatMap((line, i) => (i === at ? change(line).split('\n') : [line])) },
          entries,
        )
          .filter(({ line }) => line !== '')
          .map(({ what }) => what);
      for (let at = 0; at < 9; at++) {
        assert.match(spoil(at, (line) => line.replace(/pte 0x0000000/, 'pte 0x0000001')).join(), /another pte/);
        assert.match(
          spoil(at, (line) => line.replace(/pa 0x00000000(.)/, 'pa 0x00000001$1')).join(),
          /another pa than its pte/,
        );
        assert.match(spoil(at, () => '').join(), /is missing|is no line/);
        assert.match(spoil(at, (line) => `${line}\n${line}`).join(), /was printed before/);
        assert.match(spoil(at, (line) => line.replace(/: pte/, ' pte 0xzz')).join(), /is no line of a dump/);
        if (format === 'lecture') assert.match(spoil(at, (line) => line.replace(/.$/, '0')).join(), /other flags/);
      }
      // A level too deep, and one too high.
      // A line that is missing says nothing of those that follow it, and one too many says nothing of the next.
      const without = { ...right, lines: right.lines.filter((_, at) => at !== 3) };
      assert.deepEqual(
        checkDump(without, entries).map(({ what }) => what),
        ['is missing'],
      );
      assert.deepEqual(
        spoil(3, (line) => `${line}\n .. hello`),
        ['is no line of a dump: it should have an index or an address, pte and pa'],
      );
      assert.match(spoil(0, (line) => line.replace('..', '.. ..')).join(), /no valid entry|has another/);
      assert.match(spoil(2, (line) => line.replace('.. .. ..', '.. ..')).join(), /was printed before/);
      assert.match(spoil(8, (line) => line.replace('..', '.. ..')).join(), /deeper than three levels/);
      // The order, and the index or address.
      const turned = [...right.lines.slice(0, 2), right.lines[3]!, right.lines[2]!, ...right.lines.slice(4)];
      assert.match(
        checkDump({ ...right, lines: turned }, entries)
          .map(({ what }) => what)
          .join(),
        /not where it should be/,
      );
      assert.match(
        spoil(4, (line) =>
          line
            .replace(/\.\.(0x0000000000002000|2):/, '..0x7000:')
            .replace('..0x7000:', format === '2024 and 2025' ? '..0x7000:' : '..7:'),
        ).join(),
        /no valid entry/,
      );
    });
  }

  it('of 2024 has the top of the user space also as the lab shows it, with all upper bits set', () => {
    const text = GOLDEN['2024 and 2025'].replace(/0x0000003f/g, '0xffffffff');
    assert.match(text, /0xffffffffc0000000/);
    assert.deepEqual(checkDump(lastDump(text)!, entries), []);
    const other = lastDump(text.replace('0xffffffffc0000000', '0xffffffff80000000'))!;
    assert.match(
      checkDump(other, entries)[0]!.what,
      /no valid entry in the table: none at level 2 for 0xffffffff80000000/,
    );
  });

  it('is the last one of a text', () => {
    assert.equal(lastDump('hello\n$ '), undefined);
    assert.equal(lastDump('page table 0x1000\n ..0: pte 0x1 pa 0x0\npage table 0x2000\n')!.root, 0x2000n);
    assert.deepEqual(lastDump('page table 0x2000\n')!.lines, [''].slice(1));
  });

  it('ends with a damaged table, too', () => {
    PAGES[0x87f65000]![5] = pteOf(0x87f67000n, V);
    PAGES[0x87f66000]![3] = pteOf(0x87f67000n, V);
    assert.ok(validEntries(memory, ROOT).length < 20_001);
    delete PAGES[0x87f65000]![5];
    delete PAGES[0x87f66000]![3];
  });
});
