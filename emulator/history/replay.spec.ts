/**
 * An interactive session is done again by its log alone: whatever was typed, slept through and written by a debugger, and
 * wherever it stopped, another machine comes by the same states at the same instants, in any tier and any slices, from power
 * on and from a checkpoint. REPLAY_POINTS sets how many instants are compared.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageOf } from '../testing/disk-image';
import { Machine } from '../machine';
import { Random } from '../testing/random';
import { GUEST, Session, Witness, emptyDisk, machineOf, type Point } from '../testing/sessions/random-session';
import { TIERS } from '../testing/tiers';
import { tlbOfSeed } from '../strict-tlb/event';
import type { LoggedInput } from '../types';
import type { Instant } from './instant';

const POINTS = Number(process.env.REPLAY_POINTS ?? 1000);
/** Instants compared of one session. */
const SESSION = 40;

/** Runs to the points in turn, in slices by chance, and compares. */
function compare(machine: Machine, points: readonly Point[], random: Random, toldBefore = 0): void {
  const witness = new Witness(machine);
  witness.told = toldBefore;
  const slice = random.pick([Infinity, Infinity, 3, 100, 1000]);
  points.forEach(({ instant, hash, told }, index) => {
    let stop;
    do stop = machine.run({ instructions: slice === Infinity ? Infinity : random.between(1, slice), to: instant });
    while (!same(machine.instant, instant) && stop.kind === 'budget');
    assert.deepEqual(machine.instant, instant, `point ${index}`);
    assert.equal(machine.stateHash(), hash, `point ${index} at ${JSON.stringify(instant)}`);
    assert.equal(witness.told, told, `what was told before point ${index}`);
  });
  witness.leave();
}

const same = (a: Instant, b: Instant): boolean => a.inputs === b.inputs && a.time === b.time && a.phase === b.phase;

const describeLog = (log: readonly LoggedInput[]): string =>
  JSON.stringify(log, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));

describe('a session', function () {
  this.timeout(POINTS * 100);

  const perRun = POINTS / SESSION / 2;
  for (const harts of [1, 3]) {
    it(`with ${harts} harts is done again by its log, from power on and from a checkpoint`, () => {
      for (let seed = 1; seed <= perRun; seed++) {
        const random = new Random(seed * 2 + harts);
        const options = {
          ...{ harts, memory: 2 ** 20, legacyVirtio: false, kernel: GUEST.kernel, seed: random.below(3) },
          ...(seed % 2 === 0 && { tlb: tlbOfSeed(seed) }),
        };
        const newMachine = (): Machine =>
          machineOf({ ...options, disk: emptyDisk(), acceleration: random.pick(TIERS) });
        const session = new Session(random, newMachine());
        session.machine.run({ instructions: random.between(1, 20_000) });
        while (session.points.length < SESSION) session.act();
        const log = session.machine.inputs.since(0);
        try {
          const again = newMachine();
          again.replay(log);
          compare(again, session.points, random);
          // Inputs come in of themselves, wherever the run is to end.
          const farther = newMachine();
          farther.replay(log);
          compare(farther, session.points.slice(-1), random);
          if (session.checkpoints.length === 0) continue;
          const { checkpoint, points, told } = random.pick(session.checkpoints);
          const later = newMachine();
          later.restore(checkpoint);
          later.replay(log.slice(checkpoint.instant.inputs));
          compare(later, session.points.slice(points), random, told);
          // The very machine of the session goes back, to and fro.
          session.leave();
          for (const place of [session.checkpoints[0]!, random.pick(session.checkpoints)]) {
            session.machine.restore(place.checkpoint);
            compare(session.machine, session.points.slice(place.points), random, place.told);
          }
        } catch (error) {
          throw new Error(`seed ${seed}, log ${describeLog(log)}`, { cause: error });
        }
      }
    });
  }
});

describe('the sample kernel', function () {
  this.timeout(60_000);

  for (const harts of [1, 3]) {
    it(`with ${harts} harts does again what was typed, from power on and from its prompt`, () => {
      const prebuilt = join(__dirname, '../../sample/prebuilt');
      const disk = imageOf(new Uint8Array(readFileSync(join(prebuilt, 'fs.img'))));
      const kernel = new Uint8Array(readFileSync(join(prebuilt, 'kernel')));
      const options = { harts, memory: 128 * 2 ** 20, legacyVirtio: false, kernel, disk };
      const machine = new Machine(options);
      const points: Point[] = [];
      const witness = new Witness(machine);
      const run = (instructions: number): void => {
        for (const end = machine.executed + instructions; machine.executed < end;) {
          const stop = machine.run({ instructions: Math.min(333_333, end - machine.executed) });
          if (stop.kind === 'idle') machine.idleUntil(Math.min(stop.until, machine.now + 12_345));
        }
        points.push({ instant: machine.instant, hash: machine.stateHash(), told: witness.told });
      };
      run(8_000_000);
      const checkpoint = machine.save();
      for (const line of ['ls\n', 'echo hello > file; cat file\n']) {
        machine.consoleInput(new TextEncoder().encode(line));
        run(3_000_000);
      }
      witness.leave();
      machine.restore(checkpoint);
      compare(machine, points.slice(1), new Random(1), points[0]!.told);
      const again = new Machine(options);
      again.replay(machine.inputs.since(0));
      compare(again, points, new Random(2));
    });
  }
});
