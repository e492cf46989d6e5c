/**
 * Where a breakpoint in a line stops, the editor shows the file of that line, whatever is inlined there: for every line of the
 * sample, and of the built xv6 that XV6_DIR names.
 */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBinary } from '../symbols/binary';
import { MappedProgram } from './mapped-program';

const SAMPLE = join(__dirname, '..', '..', 'sample', 'prebuilt', 'kernel');
const FOLDER = process.env.XV6_DIR;
/** No file of a kernel has more lines. */
const LINES = 2000;

/** For each place of a breakpoint that is shown elsewhere, "riscv.h:54 at 0x80000b94: spinlock.c". */
function shownElsewhere(path: string): { places: number; wrong: string[] } {
  const program = new MappedProgram(openBinary(path, readFileSync(path), () => undefined));
  const { binary } = program;
  const wrong: string[] = [];
  let places = 0;
  for (const file of binary.files) {
    for (const { line } of binary.locationsBetween(file, 1, LINES)) {
      for (const found of binary.breakLocations(file, line)) {
        places++;
        const calls = binary.inlinedCallsAt(found.address);
        const origin = { kind: 'line', file: found.file, line: found.line } as const;
        const entered = program.inlinedCallsAtBreakpoint(found.address, origin);
        const pending = calls[calls.length - entered.length - 1];
        const shown = pending ? pending.callFile : binary.lineAt(found.address)?.file;
        if (shown !== file) wrong.push(`${file}:${line} at 0x${found.address.toString(16)}: ${shown}`);
      }
    }
  }
  return { places, wrong };
}

describe('a breakpoint in a line', () => {
  it('is shown in its file, in the sample', () => {
    const { places, wrong } = shownElsewhere(SAMPLE);
    assert.ok(places > 1000, `${places}`);
    assert.deepEqual(wrong, []);
  });

  it('is shown in its file, in a real xv6', function () {
    if (FOLDER === undefined) {
      console.log('      skipped: XV6_DIR names no built tree');
      this.skip();
    }
    const { places, wrong } = shownElsewhere(join(FOLDER, 'kernel', 'kernel'));
    assert.ok(places > 1000, `${places}`);
    assert.deepEqual(wrong, []);
  });
});
