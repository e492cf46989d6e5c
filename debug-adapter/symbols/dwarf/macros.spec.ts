import assert from 'node:assert/strict';
import fc from 'fast-check';
import { openBinary } from '../binary';
import { fixtureBytes, openFixture } from '../../testing/symbols/fixtures';

for (const name of ['macinfo', 'macro4', 'macro5'] as const) {
  describe(`macros of ${name}.elf`, () => {
    const binary = openBinary(name, fixtureBytes(name));

    it('are read with their parameters', () => {
      assert.deepEqual(binary.macro('PAGE'), { name: 'PAGE', body: '4096' });
      assert.deepEqual(binary.macro('ROUND'), { name: 'ROUND', parameters: ['x'], body: '(((x)+PAGE-1)&~(PAGE-1))' });
      assert.deepEqual(binary.macro('MOST')?.parameters, ['a', 'b']);
      assert.deepEqual(binary.macro('EMPTY'), { name: 'EMPTY', body: '' });
      assert.equal(binary.macro('NOBODY'), undefined);
      assert.equal(binary.macro('__proto__'), undefined);
      assert.equal(binary.macro('PAGE', binary.functionsNamed('middle')[0]!.low)?.body, '4096');
      assert.deepEqual(binary.warnings, []);
    });

    it('end with a warning where they are damaged', () => {
      const whole = fixtureBytes(name);
      const sections = name === 'macinfo' ? '.debug_macinfo' : '.debug_macro';
      const at = sectionOf(whole, sections);
      fc.assert(
        fc.property(fc.nat(at.size - 1), fc.nat(255), fc.nat(3), (offset, value, times) => {
          const bytes = whole.slice();
          for (let i = 0; i <= times; i++) bytes[at.offset + ((offset * (i + 1)) % at.size)] = value;
          const damaged = openBinary(name, bytes);
          damaged.macro('PAGE');
          damaged.macro('NOBODY');
          assert.ok(damaged.functionsNamed('middle').length > 0);
        }),
        { numRuns: 300 },
      );
    });
  });
}

describe('macros of a file that has none', () => {
  it('are none', () => {
    assert.equal(openFixture('dwarf5').macro('PAGE'), undefined);
  });
});

/** The position of a section's bytes in an ELF file. */
function sectionOf(bytes: Uint8Array, wanted: string): { offset: number; size: number } {
  const view = new DataView(bytes.buffer);
  const headers = Number(view.getBigUint64(40, true));
  const header = (index: number) => headers + 64 * index;
  const placeOf = (index: number) => ({
    offset: Number(view.getBigUint64(header(index) + 24, true)),
    size: Number(view.getBigUint64(header(index) + 32, true)),
  });
  const names = placeOf(view.getUint16(62, true)).offset;
  for (let index = 0; index < view.getUint16(60, true); index++) {
    const start = names + view.getUint32(header(index), true);
    if (new TextDecoder().decode(bytes.subarray(start, bytes.indexOf(0, start))) === wanted) return placeOf(index);
  }
  throw new Error(`no ${wanted}`);
}
