/** Damaged files: whatever the damage, opening soon ends with an error message or a binary that can be queried. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { SymbolError } from '../api';
import { openBinary } from '../binary';
import { DAMAGES, sectionHeaders } from '../../testing/symbols/damage';
import { exercise } from '../../testing/symbols/exercise';
import { fixtureBytes, FIXTURE_NAMES } from '../../testing/symbols/fixtures';
import { Random } from '../../../emulator/testing/random';
import { randomProgram } from '../../testing/symbols/random-dwarf';

/** As many as the suite has time for. DAMAGED_CASES=100000 makes a long run, DAMAGED_SEED=2 other cases. */
const cases = Number(process.env.DAMAGED_CASES ?? 1400);
const seed = Number(process.env.DAMAGED_SEED ?? 1);
/** Limit for one case in milliseconds, on a busy machine. */
const SLOWEST = 10_000;
const MOST_MEMORY = 2 ** 30;
const programs = [
  ...FIXTURE_NAMES,
  ...(['macinfo', 'macro4', 'macro5', 'values/clang-5', 'languages/rust', 'languages/gcc', 'languages/clang'] as const),
];

/** Opens a file and queries everything in it. Returns the error message if it cannot be opened. */
function openAndExercise(bytes: Uint8Array, first: number): string | undefined {
  let binary;
  try {
    binary = openBinary('damaged', bytes);
  } catch (error) {
    assert.ok(error instanceof SymbolError, `${error}`);
    assert.match(error.message, /^damaged .*\S{3}/);
    return error.message;
  }
  exercise(binary, first);
  assert.ok(binary.warnings.length <= 100);
  assert.ok(
    binary.warnings.every((warning) => /^damaged: .*\S{3}/.test(warning)),
    binary.warnings.join(),
  );
  return undefined;
}

describe('Damaged files', function () {
  this.timeout(0);

  /** The number of the current case, and whether it is running. */
  const progress = new Int32Array(new SharedArrayBuffer(8));
  let watchdog: Worker;
  const worst = { milliseconds: 0, what: '' };
  let checked = 0;

  before(() => {
    watchdog = new Worker(join(import.meta.dirname ?? __dirname, '../../testing/symbols/watchdog.mjs'), {
      workerData: { progress: progress.buffer, patience: 3 * SLOWEST },
    });
    watchdog.unref();
  });

  after(async () => {
    await watchdog.terminate();
    if (process.env.DAMAGED_CASES !== undefined)
      console.log(`      ${checked} cases; the slowest took ${Math.round(worst.milliseconds)} ms: ${worst.what}`);
  });

  /** The same, and asserts that it takes neither long nor much memory. */
  function check(bytes: Uint8Array, what: string): string | undefined {
    progress[0] = ++checked;
    progress[1] = 1;
    const before = process.memoryUsage.rss();
    const start = performance.now();
    try {
      return openAndExercise(bytes, checked);
    } catch (error) {
      throw new Error(`${what}: ${error instanceof Error ? error.stack : error}`);
    } finally {
      progress[1] = 0;
      const milliseconds = performance.now() - start;
      assert.ok(milliseconds < SLOWEST, `${what} took ${milliseconds} ms`);
      assert.ok(process.memoryUsage.rss() - before < MOST_MEMORY, `${what} took much memory`);
      if (milliseconds > worst.milliseconds) Object.assign(worst, { milliseconds, what });
    }
  }

  const kinds = Object.entries(DAMAGES);
  /** Random programs are quick to check, so there are more of them. */
  const share = 9;
  const each = cases / (kinds.length + share);

  for (const [kind, damage] of kinds) {
    it(`${kind} are read or refused`, () => {
      programs.forEach((name) => {
        const whole = fixtureBytes(name);
        for (let index = 0; index < each / programs.length; index++) {
          const message = check(
            damage(whole.slice(), new Random(seed * 1_000_003 + index)),
            `${name} ${kind}, case ${index}`,
          );
          if (kind === 'cut') assert.match(message ?? '', /cut short|is empty|not an ELF/);
        }
      });
    });
  }

  it('made by chance of well-formed parts are read or refused', () => {
    for (let index = 0; index < share * each; index++)
      check(randomProgram(new Random(seed * 1_000_003 + index)), `by chance, case ${index}`);
  });

  it('say in a warning what was left out', () => {
    const bytes = fixtureBytes('dwarf5').slice();
    const info = sectionHeader(bytes, '.debug_info');
    // Change the version of the first unit.
    new DataView(bytes.buffer).setUint16(Number(info.offset) + 4, 77, true);
    const binary = openBinary('kernel', bytes);
    assert.match(binary.warnings.join(), /DWARF version 77; 2 to 5 are read; the units from there on are left out/);
    assert.equal(binary.hasDebugInfo, false);
  });

  it('lose one unit, and no other', () => {
    const bytes = fixtureBytes('dwarf4').slice();
    const { offset, size } = sectionHeader(bytes, '.debug_info');
    const view = new DataView(bytes.buffer);
    const units = [];
    for (let at = offset; at < offset + size; at += 4 + view.getUint32(at, true)) units.push(at);
    // Write abbreviation numbers that do not exist into the unit of main.c, not into that of other.c.
    bytes.fill(0x7e, units[1]! + 11, units[1]! + 100);
    const binary = openBinary('kernel', bytes);
    assert.deepEqual(binary.functionsNamed('limited').length, 1);
    assert.ok(binary.functions.every((found) => found.name !== 'fill'));
    assert.match(binary.warnings.join(), /unknown abbreviation 126 .* left out/);
    assert.equal(binary.functionsNamed('fill')[0]?.line, undefined, 'its symbol is still known');
  });

  it('lose one entry, and nothing else of its unit', () => {
    const bytes = fixtureBytes('dwarf5').slice();
    const { offset, size } = sectionHeader(bytes, '.debug_abbrev');
    // In place of a structure's tag, one that no version of DWARF has: DW_TAG_structure_type, with children, DW_AT_name.
    const at = bytes.findIndex(
      (_, index) =>
        index > offset &&
        index < offset + size &&
        bytes[index] === 0x13 &&
        bytes[index + 1] === 1 &&
        bytes[index + 2] === 3,
    );
    bytes[at] = 0x7e;
    const sound = openBinary('kernel', fixtureBytes('dwarf5'));
    const binary = openBinary('kernel', bytes);
    assert.ok(binary.functions.length > 5);
    assert.deepEqual(
      binary.functions.map(({ name }) => name),
      sound.functions.map(({ name }) => name),
    );
    const names = (from: typeof binary): string[] =>
      from.functions.flatMap(({ low }) =>
        from.scopesAt(low).flatMap(({ variables }) => variables.map(({ name }) => name)),
      );
    assert.deepEqual(names(binary), names(sound));
    assert.deepEqual(binary.globals.map(({ name }) => name), sound.globals.map(({ name }) => name)); // prettier-ignore
    for (const variable of [...binary.globals, ...binary.functions.flatMap(({ parameters }) => parameters)]) {
      const { type } = variable;
      if (type.kind === 'pointer') assert.notEqual(type.target.kind, 'void', variable.name);
    }
    assert.match(
      binary.warnings.join(),
      /is no type \(0x7e\); the entry at 0x\w+ is left out, and all others are kept/,
    );
    assert.doesNotMatch(binary.warnings.join(), /Build it again/);
  });

  it('lose the entries after one that cannot be read, and keep those before', () => {
    const bytes = fixtureBytes('dwarf4').slice();
    const { offset, size } = sectionHeader(bytes, '.debug_info');
    const view = new DataView(bytes.buffer);
    const units = [];
    for (let at = offset; at < offset + size; at += 4 + view.getUint32(at, true)) units.push(at);
    const [, main, other] = units;
    bytes.fill(0x7e, main! + Math.floor((other! - main!) * 0.8), other);
    const binary = openBinary('kernel', bytes);
    assert.ok(binary.functions.length > openBinary('kernel', fixtureBytes('dwarf4')).functions.length / 2);
    assert.equal(binary.functionsNamed('fill').length, 1);
    assert.match(binary.warnings.join(), /unknown abbreviation 126 at 0x\w+; the entries from there on are left out/);
  });
});

function sectionHeader(bytes: Uint8Array, name: string): ReturnType<typeof sectionHeaders>[number] {
  return sectionHeaders(bytes).find((section) => section.name === name)!;
}
