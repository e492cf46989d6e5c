/** How a run is read: whole, in samples where it is long, and no further once nobody wants to know. The guest is the sample kernel. */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Timeline } from '../../emulator/history/timeline';
import { Machine } from '../../emulator/machine';
import { imageOf } from '../../emulator/testing/disk-image';
import { openBinary } from '../symbols/binary';
import { Survey } from './survey';

const PREBUILT = join(__dirname, '..', '..', 'sample', 'prebuilt');
const file = (name: string): Uint8Array => new Uint8Array(readFileSync(join(PREBUILT, name)));
const COLUMNS = { from: 0, to: Number.MAX_SAFE_INTEGER, columns: 400 };

/** A machine at the shell's prompt, whose clock says that every turn took so many milliseconds. */
function booted(milliseconds: number) {
  const kernel = file('kernel');
  const image = file('fs.img');
  const options = { harts: 2, memory: 128 * 2 ** 20, legacyVirtio: false, kernel };
  let printed = '';
  const consoleOutput = (bytes: Uint8Array): void => void (printed += new TextDecoder().decode(bytes));
  const machine = new Machine({ ...options, disk: imageOf(image), consoleOutput });
  const clock = { now: () => performance.now(), soon: (action: () => void) => setImmediate(action) };
  const learned = {
    save: () => ({ console: { pieces: [], rest: printed } }),
    restore: () => undefined,
    passed: () => undefined,
  };
  const timeline = new Timeline(machine, learned, clock, 2 ** 28);
  while (!printed.includes('$ ')) {
    const stop = machine.run({ instructions: 200_000 });
    if (stop.kind === 'idle' && stop.until < Infinity) machine.idleUntil(stop.until);
    timeline.ran(milliseconds);
  }
  const state = { isFree: true, reports: 0 };
  const survey = new Survey(
    {
      ...{ machine, timeline, clock, binary: openBinary('kernel', kernel, () => undefined) },
      isFree: () => state.isFree,
      scout: (output) => new Machine({ ...options, disk: imageOf(image), consoleOutput: output }),
    },
    () => state.reports++,
    (error) => assert.fail(String(error)),
  );
  return { machine, survey, state };
}

async function read(survey: Survey, look = COLUMNS): Promise<void> {
  survey.read(look);
  while (survey.reading) await new Promise((resolve) => setImmediate(resolve));
}

describe('a survey of a run', function () {
  this.timeout(60_000);

  it('reads all of it, once, and leaves the machine alone', async () => {
    const { machine, survey, state } = booted(5);
    const before = machine.stateHash();
    await read(survey);
    const seen = survey.see(COLUMNS);
    assert.deepEqual(seen.read, [{ from: 0, to: machine.instant.time }]);
    assert.ok(seen.columns.some(({ happened }) => happened.tallies.console?.first.words().includes('is booting')));
    for (let hart = 0; hart < 2; hart++) {
      const spent = seen.columns.flatMap(({ happened }) => [...happened.spent[hart]!.values()]);
      assert.equal(
        spent.reduce((sum, time) => sum + time, 0),
        machine.instant.time,
      );
    }
    const { reports } = state;
    survey.read(COLUMNS);
    assert.equal(survey.reading, false);
    assert.equal(state.reports, reports);
    assert.equal(machine.stateHash(), before);
  });

  it('tells samples of what would take too long, and reads a part of it', async () => {
    const { machine, survey } = booted(4000);
    await read(survey);
    const long = survey.see(COLUMNS);
    assert.ok(long.isLong && long.columns.length === 0);
    assert.ok(long.samples.length >= 5, `${long.samples.length} samples`);
    assert.ok(long.samples.every(({ states }) => states.length === 2));
    const part = { ...COLUMNS, from: 1_000_000, to: 1_050_000 };
    await read(survey, part);
    const seen = survey.see(part);
    assert.ok(!seen.isLong && seen.read[0]!.from <= part.from && seen.read[0]!.to >= part.to);
    assert.ok(machine.instant.time > 2_000_000);
  });

  it('is given up at once, and begins only while the machine is free', async () => {
    const { machine, survey, state } = booted(5);
    survey.read(COLUMNS);
    const readUpTo = (): number => survey.see(COLUMNS).read[0]?.to ?? 0;
    while (readUpTo() === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(survey.reading);
    survey.stop();
    while (survey.reading) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(readUpTo() > 0 && readUpTo() < machine.instant.time);
    state.isFree = false;
    survey.read(COLUMNS);
    assert.equal(survey.reading, false);
    state.isFree = true;
    survey.read(COLUMNS);
    state.isFree = false;
    while (survey.reading) await new Promise((resolve) => setImmediate(resolve));
  });
});
