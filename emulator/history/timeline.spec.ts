/**
 * Going anywhere in the past of a session and back leads to the same state of machine, disk and whoever listens, whatever the
 * order of the moves; what is found there is what had happened. TIMELINE_MOVES sets how many moves are made.
 */
import assert from 'node:assert/strict';
import { Assembler, R, laidOut } from '../testing/guests';
import { Random } from '../testing/random';
import { GUEST, Session, Witness, emptyDisk, machineOf, type Point } from '../testing/sessions/random-session';
import { TIERS } from '../testing/tiers';
import type { MachineApi, Stop } from '../types';
import { compareInstants, Phase } from './instant';
import { SavedState } from './saved-state';
import { Timeline, type Companion, type Found, type JourneyClock, type Probe } from './timeline';

const MOVES = Number(process.env.TIMELINE_MOVES ?? 10_000);
/** Of one session. */
const SESSION_MOVES = 50;
const SESSION_ACTIONS = 60;
/**
 * By harts: sessions that once told something twice, of a hart that had no turn after it, of a trap beside touched bytes, and of a
 * trap after which another hart stopped; and one that stopped where the scheduler looked at the next instruction.
 */
const FOUND = new Map([
  [3, [907, 4160, 6225]],
  [1, [2260]],
]);

/** Time goes on with every look at it, so that checkpoints are made at moments of no meaning. */
function clockOf(random: Random): JourneyClock {
  let now = 0;
  return { now: () => (now += random.below(12)), soon: (action) => action() };
}

/** What is told to those who listen is all there is to learn. */
const companionOf = (witness: Witness): Companion => ({
  save: () => ({ told: witness.told }),
  restore: (state) => void (witness.told = new SavedState('witness', state).number('told')),
  passed: () => undefined,
});

describe('the timeline', function () {
  this.timeout(MOVES * 200);

  for (const harts of [1, 3]) {
    it(`of a session with ${harts} harts leads to the same state, wherever one has been before`, async () => {
      let entered = 0;
      const sessions = Array.from({ length: MOVES / SESSION_MOVES / 2 }, (_, index) => index + 1);
      for (const seed of [...FOUND.get(harts)!, ...sessions]) {
        const random = new Random(seed * 2 + harts);
        const options = { harts, memory: 2 ** 20, legacyVirtio: false, kernel: GUEST.kernel, seed: random.below(3) };
        const machine = machineOf({ ...options, disk: emptyDisk(), acceleration: random.pick(TIERS) });
        const session = new Session(random, machine, { goesBack: false });
        const memory = random.pick([2 ** 20, 2 ** 22, 2 ** 30]);
        const timeline = new Timeline(machine, companionOf(session.witness), clockOf(random), memory);
        const live = (): void => {
          session.act();
          if (random.chance(80)) timeline.ran(random.below(300));
        };
        const left = new Map<number, Point[]>();
        while (session.points.length < SESSION_ACTIONS) live();
        for (let move = 0; move < SESSION_MOVES; move++) {
          const point = random.pick(session.points);
          await timeline.goTo(point.instant);
          const where = `seed ${seed}, move ${move} to ${JSON.stringify(point.instant)}`;
          assert.deepEqual(machine.instant, point.instant, where);
          assert.equal(machine.stateHash(), point.hash, where);
          assert.equal(session.witness.told, point.told, where);
          if (!random.chance(8)) continue;
          // Another future begins here, or one that was left before goes on.
          const ids = [...left.keys()];
          const before = session.points;
          if (ids.length > 0 && random.chance(50)) {
            const id = random.pick(ids);
            session.points = left.get(id)!;
            left.delete(id);
            left.set(timeline.enter(id), before);
            const end = session.points.at(-1)!;
            await timeline.goTo(timeline.present);
            assert.deepEqual(machine.instant, end.instant, where);
            assert.equal(machine.stateHash(), end.hash, where);
            entered++;
            continue;
          }
          left.set(timeline.branch(), before);
          session.points = before.filter(({ instant }) => compareInstants(instant, machine.instant) <= 0);
          if (random.chance(50)) machine.consoleInput(Uint8Array.of(65));
          for (let action = 0; action < 5; action++) live();
        }
      }
      assert.ok(entered > MOVES / SESSION_MOVES / 8, `${entered} futures entered`);
    });
  }

  it('finds what happened last before any instant, and the first time after any, as if it had been watched', async () => {
    let tried = 0;
    for (let seed = 1; tried < 6; seed++) {
      const random = new Random(seed);
      const options = { harts: 3, memory: 2 ** 20, legacyVirtio: false, kernel: GUEST.kernel };
      const machine = machineOf({ ...options, acceleration: random.pick(TIERS) });
      const witness = new Witness(machine);
      const timeline = new Timeline(machine, companionOf(witness), clockOf(random), 2 ** 30);
      const address = random.pick(GUEST.code);
      const probeOn = (hart?: number): Probe<{ hart: number; value: bigint }> => ({
        hart,
        watch: () => {
          const subscription = machine.subscribe({ execute: (event) => event.hart === (hart ?? event.hart) });
          subscription.setAddresses([address]);
          return () => subscription.end();
        },
        found: (stop: Stop) =>
          stop.kind === 'breakpoint' ? { hart: stop.hart, value: machine.harts[stop.hart]!.x(5) } : undefined,
      });
      const probe = probeOn();
      const seen: Found<{ hart: number; value: bigint }>[] = [];
      const unwatch = probe.watch();
      for (let run = 0; run < 600; run++) {
        const stop = machine.run({ instructions: random.between(1, 400) });
        if (stop.kind === 'idle') machine.idleUntil(Math.min(stop.until, machine.now + random.below(3000)));
        const value = probe.found(stop);
        if (value !== undefined) seen.push({ instant: machine.instant, value });
        timeline.ran(random.below(20));
      }
      unwatch();
      const end = machine.instant;
      // Not all code runs in every session.
      if (seen.length <= 3) continue;
      tried++;
      for (let question = 0; question < 40; question++) {
        const { instant } = random.pick(seen);
        for (const hart of [undefined, random.below(3)]) {
          const earlier = seen.filter(
            (one) => compareInstants(one.instant, instant) < 0 && one.value.hart === (hart ?? one.value.hart),
          );
          const found = await timeline.findLast(instant, probeOn(hart));
          const known = found && [...found.earlier, { instant: found.instant, value: found.value }];
          assert.deepEqual(known ?? [], earlier.slice(-(known?.length ?? 1)), `seed ${seed}, hart ${hart}`);
        }
        const later = seen.find((one) => compareInstants(one.instant, instant) > 0);
        assert.deepEqual(await timeline.findFirst(instant, end, probe), later, `seed ${seed}`);
        if (question % 8 > 0) continue;
        // All that has happened, each thing once, also where stretches may not begin everywhere.
        let [all, stretch]: (typeof seen)[] = [[], []];
        await timeline.lookBack(instant, {
          begin: (isFirst) => {
            stretch = [];
            return isFirst || random.chance(40) ? probe.watch() : undefined;
          },
          passed: (stop) => stretch!.push({ instant: machine.instant, value: probe.found(stop)! }),
          ended: () => {
            all = [...stretch!, ...all!];
            return true;
          },
        });
        assert.deepEqual(
          all,
          seen.filter((one) => compareInstants(one.instant, instant) < 0),
          `seed ${seed}`,
        );
      }
      const last = seen.filter((one) => compareInstants(one.instant, end) < 0).at(-1);
      assert.deepEqual((await timeline.findLast(end, probe))?.instant, last?.instant);
      assert.equal(await timeline.findLast(seen[0]!.instant, probe), undefined);
    }
  });

  describe('that looks for what a hart executes', () => {
    const begun = (): { machine: MachineApi; timeline: Timeline; probe: (address: bigint) => Probe<number> } => {
      const options = { harts: 1, memory: 2 ** 20, legacyVirtio: false, kernel: GUEST.kernel };
      const machine = machineOf(options);
      const timeline = new Timeline(machine, companionOf(new Witness(machine)), clockOf(new Random(1)), 2 ** 30);
      const probe = (address: bigint): Probe<number> => ({
        hart: 0,
        watch: () => {
          const subscription = machine.subscribe({ execute: () => true });
          subscription.setAddresses([address]);
          return () => subscription.end();
        },
        found: (stop) => (stop.kind === 'breakpoint' ? stop.hart : undefined),
      });
      return { machine, timeline, probe };
    };

    it('finds the instruction whose trap it stands at, though it has not been executed', async () => {
      const { machine, timeline, probe } = begun();
      const subscription = machine.subscribe({ trap: ({ interrupt }) => !interrupt });
      for (let stop = machine.run({ instructions: 1000 }); stop.kind !== 'trap';) {
        if (stop.kind === 'idle') machine.idleUntil(stop.until);
        stop = machine.run({ instructions: 1000 });
      }
      subscription.end();
      const { instant } = machine;
      const { pc } = machine.harts[0]!;
      timeline.arrived();
      // A checkpoint in between, as where a pause stood.
      await timeline.goTo({ ...instant, phase: Phase.arrived });
      timeline.ran(10_000);
      const found = await timeline.findLast(instant, probe(pc));
      assert.deepEqual(found?.instant, { ...instant, phase: Phase.fetched });
    });

    it('does not take a run after a reset for rest, in which it has made as many steps', async () => {
      const { machine, timeline, probe } = begun();
      machine.run({ instructions: 500 });
      timeline.ran(10_000);
      const { steps } = machine.harts[0]!;
      machine.reset();
      const { pc } = machine.harts[0]!;
      while (machine.harts[0]!.steps < steps) machine.run({ instructions: 1 });
      assert.equal(machine.harts[0]!.steps, steps);
      timeline.arrived();
      const found = await timeline.findLast(machine.instant, probe(pc));
      assert.equal(found?.instant.inputs, 1);
    });
  });

  it('is looked through part by part also behind a reset, where instructions are counted anew', async () => {
    const code = new Assembler().label('loop').op('addi', { rd: R.t0, rs1: R.t0, imm: 1 }).to('loop', 'jal');
    const machine = machineOf({ harts: 1, memory: 2 ** 20, legacyVirtio: false, kernel: laidOut(code) });
    const companion = companionOf(new Witness(machine));
    const timeline = new Timeline(machine, companion, { now: () => 0, soon: (action) => action() }, 2 ** 28);
    for (let part = 0; part < 40; part++) {
      machine.run({ instructions: 5_000_000 });
      timeline.ran(1000);
    }
    machine.reset();
    machine.run({ instructions: 3_000_000 });
    timeline.arrived();
    const starts: number[] = [];
    await timeline.lookBack(machine.instant, {
      begin: () => () => undefined,
      passed: () => undefined,
      ended: ({ time }) => starts.push(time) < 4,
    });
    assert.equal(starts.length, 4);
    assert.ok(Math.min(...starts) > 100_000_000, starts.join(' '));
  });
});
