/** A saved boot whose hash is right and whose fields are not: it is refused, or it is a machine like any other. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageOf } from '../../emulator/testing/disk-image';
import { recordingOf } from '../../emulator/history/recording';
import { stateFromText } from '../../emulator/history/encoding/state-text';
import { BootRecorder, SavedBoot } from '../../emulator/history/warm-start';
import { CSRS } from '../../emulator/isa/csr-fields';
import { Machine } from '../../emulator/machine';
import type { MachineOptions, State } from '../../emulator/types';

const prebuilt = join(__dirname, '../../sample/prebuilt');
/** Bytes of the hash, and of the length of the text after it: see emulator/history/recording.ts. */
const HASH = 16;
const HEAD = HASH + 4;
const HOSTILE: State[] = [Infinity, -Infinity, NaN, -1, 0.5, 2 ** 53, 1e300, 1n << 70n, -1n, 'x', null, true, [], {}];

const options = (): MachineOptions => ({
  harts: 2,
  memory: 128 * 2 ** 20,
  legacyVirtio: false,
  kernel: new Uint8Array(readFileSync(join(prebuilt, 'kernel'))),
  disk: imageOf(new Uint8Array(readFileSync(join(prebuilt, 'fs.img')))),
});

function boot(): Uint8Array {
  const recorder = new BootRecorder();
  const given = options();
  const machine = new Machine({
    ...given,
    disk: recorder.watch(given.disk!),
    consoleOutput: (bytes) => recorder.output(bytes),
  });
  while (!recorder.isComplete(machine)) {
    const stop = machine.run({ instructions: 1_000_000 });
    if (stop.kind === 'idle') machine.idleUntil(stop.until);
  }
  return recorder.save(machine);
}

type Path = (string | number)[];
type Node = State[] | Record<string, State>;

const isNode = (state: State): state is Node =>
  typeof state === 'object' && state !== null && !(state instanceof Uint8Array);

/** Every field of the state, and of long lists but the first two elements. */
function* fieldsOf(state: State, path: Path = []): Generator<Path> {
  if (!isNode(state)) return;
  for (const [index, [name, value]] of Object.entries(state).entries()) {
    if (Array.isArray(state) && index > 1) return;
    yield [...path, name];
    yield* fieldsOf(value, [...path, name]);
  }
}

function withField(saved: Uint8Array, path: Path, value: State): Uint8Array {
  const length = new DataView(saved.buffer, saved.byteOffset).getUint32(HASH, true);
  const state = stateFromText(new TextDecoder().decode(saved.subarray(HEAD, HEAD + length)));
  let node = state as Record<string, State>;
  for (const name of path.slice(0, -1)) node = node[name] as Record<string, State>;
  node[path.at(-1)!] = value;
  return recordingOf(state, saved.subarray(HEAD + length));
}

describe('the fields of a saved boot', function () {
  this.timeout(600_000);

  it('are each checked: a machine that is restored can be run, looked at and saved', () => {
    const saved = boot();
    const length = new DataView(saved.buffer, saved.byteOffset).getUint32(HASH, true);
    const head = stateFromText(new TextDecoder().decode(saved.subarray(HEAD, HEAD + length)));
    const machine = new Machine(options());
    const atPowerOn = machine.save();
    const broken: string[] = [];
    let [refused, taken, turn] = [0, 0, 0];
    for (const path of fieldsOf(head)) {
      // Two at a time, so that neighbours meet different ones.
      for (let i = 0; i < 2; i++) {
        const value = HOSTILE[turn++ % HOSTILE.length]!;
        const bytes = withField(saved, path, value);
        try {
          if (new SavedBoot(bytes).restoreBoot(machine) === undefined) continue;
          taken++;
        } catch {
          refused++;
          continue;
        }
        try {
          for (let slice = 0; slice < 3; slice++) {
            const stop = machine.run({ instructions: 20_000 });
            if (stop.kind === 'idle') machine.idleUntil(Math.min(stop.until, machine.now + 100_000));
          }
          for (const hart of machine.harts) {
            for (let register = 0; register < 32; register++) BigInt.asUintN(64, hart.x(register));
            for (const { address } of CSRS) hart.csr(address);
            void hart.pc;
          }
          machine.save();
        } catch (error) {
          broken.push(`${path.join('.')} = ${String(value)}: ${(error as Error).message}`);
        }
        machine.restore(atPowerOn);
      }
    }
    assert.deepEqual(broken, []);
    assert.ok(refused > 200 && taken > 10, `${refused} refused, ${taken} taken`);
  });
});
