/** Debug information beside the program, as -gsplit-dwarf leaves it. */
import assert from 'node:assert/strict';
import { openBinary } from '../symbols/binary';
import { exercise } from '../testing/symbols/exercise';
import { fixtureBytes, splitFile, type SplitName } from '../testing/symbols/fixtures';
import { Random } from '../../emulator/testing/random';
import { readSplitFiles } from './split-dwarf';
import type { Files } from '../launch/files';

/** A folder of files; nothing else is asked of it. */
function filesOf(contents: Record<string, Uint8Array>): Files {
  return {
    exists: (path: string) => Promise.resolve(Object.hasOwn(contents, path)),
    read: (path: string) => Promise.resolve(contents[path]),
  } as unknown as Files;
}

async function opened(name: SplitName, contents: Record<string, Uint8Array>): Promise<ReturnType<typeof openBinary>> {
  const binary = openBinary('/lab/kernel/kernel', fixtureBytes(`values/${name}`));
  await readSplitFiles(filesOf(contents), binary);
  return binary;
}

describe('Split debug information', () => {
  for (const name of ['split-4', 'split-5', 'split-relaxed'] as const) {
    for (const [path, kind] of [
      ['/program/values.dwo', 'dwo'],
      ['/lab/kernel/values.dwo', 'dwo'],
      ['/lab/values.dwo', 'dwo'],
      ['/lab/kernel/kernel.dwp', 'dwp'],
    ] as const) {
      it(`of ${name} is found in ${path}`, async () => {
        const binary = await opened(name, {
          [path.replace('/lab/values', '/lab/kernel/../values')]: splitFile(`${name}.${kind}`),
        });
        assert.deepEqual(
          binary.functions.map((found) => found.name),
          ['stop', 'sum', 'lengths', 'main'],
        );
        assert.deepEqual(
          binary
            .functionsNamed('sum')
            .map(({ file, line, parameters }) => [file, line, parameters.map((one) => one.name)]),
          [['/program/values.c', 99, ['n', 'm', 'a']]],
        );
        assert.equal(binary.global('plain1')?.type.kind, 'struct');
        assert.equal(binary.functionAt(binary.symbol('lengths')!.address + 8n)?.line, 108);
        assert.ok(binary.breakLocations('values.c', 103).length > 0);
        assert.deepEqual(binary.warnings, []);
      });
    }
  }

  it('that is missing is told, with the right advice, and lines are still known', async () => {
    const binary = await opened('split-5', {});
    assert.deepEqual(binary.functions, []);
    assert.ok(binary.hasDebugInfo && binary.breakLocations('values.c', 103).length > 0);
    assert.match(
      binary.warnings.join(),
      /^\/lab\/kernel\/kernel: The debug information of \S.* is in values\.dwo, which is not there or belongs to another build/,
    );
  });

  it('of another build is not taken', async () => {
    const binary = await opened('split-5', { '/program/values.dwo': splitFile('split-relaxed.dwo') });
    assert.deepEqual(binary.functions, []);
    assert.match(binary.warnings.join(), /belongs to another build/);
  });

  it('that is damaged is read or refused', async () => {
    const random = new Random(1);
    for (const file of ['split-4.dwo', 'split-5.dwo', 'split-5.dwp'] as const) {
      const whole = splitFile(file);
      for (let round = 0; round < 60; round++) {
        const bytes = Uint8Array.from(whole);
        for (let flips = random.below(6); flips >= 0; flips--) bytes[random.below(bytes.length)] = random.below(256);
        const cut = random.chance(20) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
        exercise(
          await opened(file.startsWith('split-4') ? 'split-4' : 'split-5', { '/lab/kernel/values.dwo': cut }),
          round,
        );
      }
    }
  });
});
