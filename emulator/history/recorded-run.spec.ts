/** A run in a file is done again elsewhere from the file alone, or is refused: damaged, hostile, or of another version. */
import assert from 'node:assert/strict';
import { Machine } from '../machine';
import { imageOf } from '../testing/disk-image';
import { Random } from '../testing/random';
import { GUEST, Session, machineOf } from '../testing/sessions/random-session';
import { TIERS } from '../testing/tiers';
import { tlbOfSeed } from '../strict-tlb/event';
import type { BlockImage } from '../types';
import { deflate, inflate } from './encoding/deflate';
import { FORMAT, hashOf } from './recording';
import {
  RecordingError,
  decodeRun,
  encodeRun,
  isRecordedRun,
  type Bookmark,
  type RecordedCheckpoint,
  type RecordedRun,
} from './recorded-run';
import { destinationIn, spokenInstant } from './spoken-instant';

const LINE = FORMAT.length + 1;
const HASH = 16;

/** Mutations of a recording's bytes in each part of the fuzz test; RECORDING_FUZZ sets how many. */
const FUZZ = Number(process.env.RECORDING_FUZZ ?? 200);

function diskOf(random: Random): BlockImage {
  return imageOf(Uint8Array.from({ length: 64 * 512 }, () => random.below(256)));
}

const bookmarksOf = ({ points }: Session): Bookmark[] => [
  { name: 'here', instant: points[5]!.instant, future: undefined, isEnd: false },
  { name: 'elsewhere', instant: points[40]!.instant, future: 0, isEnd: true },
];

/** Some sessions are of a machine with a strict TLB. */
const hasStrictTlb = (seed: number): boolean => seed % 4 === 1;

/** A session of a user by chance, up to its end, with checkpoints on the way. */
function recordedSession(seed: number, harts: number): { run: RecordedRun; session: Session } {
  const random = new Random(seed);
  const disk = diskOf(random);
  const options = {
    ...{ harts, memory: 2 ** 20, legacyVirtio: true, kernel: GUEST.kernel, seed: random.below(3), disk },
    ...(hasStrictTlb(seed) && { tlb: tlbOfSeed(seed) }),
  };
  const session = new Session(random, machineOf({ ...options, acceleration: random.pick(TIERS) }), { goesBack: false });
  const { machine } = session;
  const checkpoints: RecordedCheckpoint[] = [];
  for (let act = 0; act < 60; act++) {
    session.act();
    if (act % 20 === 10)
      checkpoints.push({ machine: machine.save(), learned: { act }, executed: machine.executed, cost: act * 1.5 });
  }
  session.leave();
  const inputs = machine.inputs.since(0);
  const [shared, left] = [session.points[20]!.instant, session.points[40]!.instant];
  const future = { shared, inputs: inputs.slice(shared.inputs, left.inputs), end: left };
  const run: RecordedRun = {
    options: { ...machine.options, rtcEpoch: 1_700_000_000 },
    ...{ inputs, end: machine.instant, hash: machine.stateHash(), futures: [future] },
    ...{ at: session.points[3]!.instant, bookmarks: bookmarksOf(session) },
    ...{ checkpoints, files: [{ name: 'user/ls', bytes: Uint8Array.of(1, 2, 3) }], notes: { text: 'said' } },
  };
  return { run, session };
}

/** The bytes of a recording with another content, as one would make who knows the format. */
async function forged(content: Uint8Array<ArrayBuffer>, line = FORMAT, length = content.length): Promise<Uint8Array> {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, length, true);
  const whole = Buffer.concat([Buffer.from(`${line}\n`), size, await deflate(content)]);
  return new Uint8Array(Buffer.concat([whole, Buffer.from(hashOf(whole))]));
}

const contentOf = async (bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> =>
  (await inflate(bytes.slice(LINE + 4, -HASH), u32(bytes, LINE))) as Uint8Array<ArrayBuffer>;

const u32 = (bytes: Uint8Array, at: number): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);

/** A text with its length before it. */
function sized(text: string): Buffer {
  const bytes = Buffer.from(`....${text}`);
  bytes.writeUInt32LE(bytes.length - 4);
  return bytes;
}

type Edit = (text: string) => string;

/** The content with its head, a text, replaced. */
function withHead(content: Uint8Array, edit: Edit): Uint8Array<ArrayBuffer> {
  const end = 4 + u32(content, 0);
  const head = edit(Buffer.from(content.subarray(4, end)).toString());
  return new Uint8Array(Buffer.concat([sized(head), content.subarray(end)]));
}

/** The content with the text of the recording in it replaced, which has the inputs and the checkpoints. */
function withRecording(content: Uint8Array, edit: Edit): Uint8Array<ArrayBuffer> {
  const end = 4 + u32(content, 0);
  const { lengths } = JSON.parse(Buffer.from(content.subarray(4, end)).toString()) as { lengths: number[] };
  const start = end + lengths[0]! + lengths[1]!;
  const [before, recording] = [content.subarray(0, start), content.subarray(start, start + lengths[2]!)];
  const textEnd = 20 + u32(recording, HASH);
  const text = edit(Buffer.from(recording.subarray(20, textEnd)).toString());
  const rest = Buffer.concat([sized(text), recording.subarray(textEnd)]);
  const after = content.subarray(start + lengths[2]!);
  const whole = new Uint8Array(Buffer.concat([before, Buffer.from(hashOf(rest)), rest, after]));
  const longer = lengths[2]! + whole.length - content.length;
  return withHead(whole, (head) => head.replace(`,${lengths[2]},`, `,${longer},`));
}

const refused = (bytes: Uint8Array, message: RegExp, why?: string): Promise<void> =>
  assert.rejects(decodeRun(bytes), (error) => error instanceof RecordingError && message.test(error.message), why);

describe('a recorded run', function () {
  this.timeout(60_000 + FUZZ * 100);

  for (const harts of [1, 3]) {
    it(`with ${harts} harts is done again, from power on and from each checkpoint`, async () => {
      for (let seed = 1; seed <= 3; seed++) {
        const { run, session } = recordedSession(seed * 2 + harts, harts);
        const again = await decodeRun(await encodeRun(run));
        assert.deepEqual(again.inputs, run.inputs);
        for (const field of ['end', 'hash', 'at', 'bookmarks', 'futures', 'files', 'notes'] as const)
          assert.deepEqual(again[field], run[field], field);
        const { kernel, disk, ...plain } = again.options;
        assert.deepEqual(kernel, GUEST.kernel);
        const expected = { harts, memory: 2 ** 20, legacyVirtio: true, diskSlot: 0, seed: run.options.seed };
        const { tlb } = run.options;
        assert.equal(tlb !== undefined, hasStrictTlb(seed * 2 + harts));
        assert.deepEqual(plain, { ...expected, rtcEpoch: 1_700_000_000, ...(tlb && { tlb }) });
        assert.deepEqual([disk!.sectors, disk!.readOnly], [64, false]);

        for (const acceleration of TIERS) {
          const machine = machineOf({ ...again.options, acceleration });
          machine.replay(again.inputs);
          for (const { instant, hash } of session.points) {
            while (machine.instant.time < instant.time || machine.instant.inputs < instant.inputs)
              machine.run({ instructions: Infinity, to: instant });
            machine.run({ instructions: Infinity, to: instant });
            assert.equal(machine.stateHash(), hash);
          }
        }
        for (const { machine: checkpoint, learned, executed, cost } of again.checkpoints) {
          const { act } = learned as { act: number };
          assert.equal(cost, Math.round(act * 1.5));
          const machine = new Machine(again.options);
          machine.restore(checkpoint);
          assert.equal(machine.executed, executed);
          machine.replay(again.inputs.slice(checkpoint.instant.inputs));
          while (machine.instant.inputs < again.end.inputs || machine.instant.time < again.end.time)
            machine.run({ instructions: Infinity, to: again.end });
          machine.run({ instructions: Infinity, to: again.end });
          assert.equal(machine.stateHash(), again.hash);
        }
      }
    });
  }

  it('has what was typed, also as a Buffer of Node that is used again', async () => {
    const options = { harts: 1, memory: 2 ** 20, legacyVirtio: true, kernel: GUEST.kernel };
    const machine = new Machine(options);
    const typed = Buffer.from('ls');
    machine.consoleInput(typed);
    typed.fill(0);
    const { inputs, end } = { inputs: machine.inputs.since(0), end: machine.instant };
    const none = { hash: undefined, at: end, bookmarks: [], futures: [], checkpoints: [], files: [], notes: null };
    const again = await decodeRun(await encodeRun({ options, inputs, end, ...none }));
    assert.deepEqual(again.inputs, [{ time: 0, phase: 0, input: { kind: 'console', bytes: Uint8Array.of(108, 115) } }]);
  });

  it('is small: beside kernel and disk it has what was typed', async () => {
    const { run } = recordedSession(5, 3);
    const small = await encodeRun({ ...run, checkpoints: [], files: [] });
    const { kernel, disk } = run.options;
    const image = new Uint8Array(disk!.sectors * 512);
    disk!.read(0, image);
    const [alone, content] = [await deflate(new Uint8Array([...kernel, ...image])), await contentOf(small)];
    assert.ok(content.length - kernel.length - image.length < 100 * run.inputs.length + 1000);
    assert.ok(small.length - alone.length < 4096, `${small.length} bytes, and ${alone.length} of kernel and disk`);
  });

  it('stands where a person says', async () => {
    const { run, session } = recordedSession(8, 1);
    const { end, inputs } = run;
    assert.deepEqual(destinationIn(run, spokenInstant('end')), { inputs, to: end, executed: Infinity });
    assert.deepEqual(destinationIn(run, spokenInstant('12345')), { inputs, to: end, executed: 12345 });
    assert.deepEqual(destinationIn(run, spokenInstant('here')).to, run.bookmarks[0]!.instant);
    const there = session.points[40]!.instant;
    const otherwise = { ...run, inputs: inputs.slice(0, session.points[20]!.instant.inputs) };
    assert.deepEqual(destinationIn(otherwise, spokenInstant('elsewhere')), {
      ...{ inputs: inputs.slice(0, there.inputs), to: there, executed: Infinity },
    });
    assert.throws(() => destinationIn(run, spokenInstant('there')), /"there" is no instant .*, "here", "elsewhere"/);
    assert.throws(() => destinationIn(run, spokenInstant('999999ms')), /ended before 999999 ms/);
    for (const { time } of [{ time: 0 }, ...run.inputs, end]) {
      const { to } = destinationIn(run, spokenInstant(`${time / 100_000}ms`));
      assert.equal(to.time, time);
      // The first moment at which so much time had passed, before what came in then.
      const before = run.inputs.slice(0, to.inputs);
      assert.ok(before.every((input) => input.time < time) && !((run.inputs[to.inputs]?.time ?? Infinity) < time));
    }
  });

  it('names no folder: files have relative names, in making and in reading', async () => {
    const { run } = recordedSession(3, 1);
    const named = (name: string): RecordedRun => ({ ...run, files: [{ name, bytes: new Uint8Array() }] });
    const good = await contentOf(await encodeRun(named('user/ls.c')));
    for (const name of [
      '/home/me/ls',
      '../ls',
      'a/../b',
      'C:/ls',
      'a\\b',
      'a//b',
      './a',
      '',
      'a\n',
      'a'.repeat(2000),
    ]) {
      await assert.rejects(encodeRun(named(name)), /no relative path/, name);
      const content = withHead(good, (head) => head.replace('suser/ls.c', JSON.stringify(`s${name}`).slice(1, -1)));
      await refused(await forged(content), /no relative path/, name);
    }
  });

  it('of another version is refused with a word of why, and what is no recording too', async () => {
    const { run } = recordedSession(4, 1);
    const content = await contentOf(await encodeRun(run));
    await refused(await forged(content, 'xv6-debug recording 2'), /was made by another version of the machine.*kind 2/);
    for (const bytes of [new Uint8Array(), Buffer.from('\x7fELF\n'), Buffer.from(FORMAT), new Uint8Array(1000)]) {
      assert.equal(isRecordedRun(bytes), false);
      await refused(bytes, /^is no recording of a run$/);
    }
    const good = await forged(content);
    assert.equal(isRecordedRun(good), true);
    await decodeRun(good);
  });

  it('is refused if it is cut, flipped or grown', async () => {
    const { run } = recordedSession(6, 3);
    const bytes = await encodeRun(run);
    const random = new Random(1);
    for (let i = 0; i < FUZZ; i++) {
      const at = i < 80 ? i : random.below(bytes.length);
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << random.below(8);
      await assert.rejects(decodeRun(flipped), RecordingError, `byte ${at}`);
      await assert.rejects(decodeRun(bytes.subarray(0, at)), RecordingError, `${at} bytes`);
    }
    for (const more of [1, 20, 5000]) {
      const grown = new Uint8Array(bytes.length + more);
      grown.set(bytes);
      await refused(grown, /damaged/);
    }
  });

  it('that claims a size takes no memory before the size is credible', async () => {
    const content = new Uint8Array(3000);
    await refused(await forged(content, FORMAT, 2 ** 32 - 1), /it has 4294967295 bytes; recordings have at most/);
    await refused(await forged(content, FORMAT, 400 * 2 ** 20), /cannot stand for 419430400/);
    await refused(await forged(new Uint8Array(2 ** 20), FORMAT, 3000), /more than 3000 bytes/);
    await refused(await forged(content, FORMAT, 3001), /3000 bytes instead of 3001/);
  });

  it('that someone forged is refused, or is the run of some machine', async () => {
    const { run } = recordedSession(7, 3);
    const content = await contentOf(await encodeRun(run));
    const random = new Random(7);
    const extremes = [
      '-1',
      '1e999',
      '0.5',
      '9007199254740991',
      '1e308',
      'null',
      '""',
      '"n-Infinity"',
      '[]',
      '{}',
      '"i7"',
      '7',
    ];
    const edit: Edit = (text) => {
      const values = [...text.matchAll(random.pick([/\b\d+\b/g, /"[snib][^"]*"|true|false|null|\d+/g]))];
      const { index, 0: value } = random.pick(values);
      return text.slice(0, index) + random.pick(extremes) + text.slice(index + value.length);
    };
    const flip = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
      bytes[random.below(bytes.length)] = random.below(256);
      return bytes;
    };
    const edits = [() => flip(content.slice()), () => withHead(content, edit), () => withRecording(content, edit)];
    const counts = { decoded: 0, replayed: 0, restored: 0 };
    for (let i = 0; i < FUZZ; i++) {
      const changed = edits[i % edits.length]!();
      let forgedRun: RecordedRun;
      try {
        forgedRun = await decodeRun(await forged(changed));
      } catch (error) {
        assert.ok(error instanceof RecordingError, String(error));
        continue;
      }
      counts.decoded++;
      try {
        const machine = new Machine(forgedRun.options);
        machine.replay(forgedRun.inputs);
        for (const to of [forgedRun.at, forgedRun.end]) machine.run({ instructions: 20_000, to });
        for (const { name } of forgedRun.bookmarks) {
          const other = new Machine(forgedRun.options);
          const { inputs, to } = destinationIn(forgedRun, { kind: 'bookmark', name });
          other.replay(inputs);
          other.run({ instructions: 20_000, to });
        }
        counts.replayed++;
        for (const { machine: checkpoint } of forgedRun.checkpoints) {
          machine.restore(checkpoint);
          machine.run({ instructions: 2000 });
          counts.restored++;
        }
      } catch (error) {
        assert.ok(error instanceof Error && !(error instanceof TypeError), String((error as Error).stack));
      }
    }
    const { decoded, replayed, restored } = counts;
    assert.ok(replayed > 0 && replayed < decoded && decoded < FUZZ && restored > replayed, JSON.stringify(counts));
  });
});
