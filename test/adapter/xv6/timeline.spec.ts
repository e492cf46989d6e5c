/** What the timeline says of a run of the sample kernel is what one finds there. */
import { strict as assert } from 'node:assert';
import { setTimeout } from 'node:timers/promises';
import type {
  Requests,
  TimelineLane,
  TimelineMark,
  TimelineModel,
  TimelineSpan,
  TimelineState,
} from '../../../debug-adapter/protocol';
import { sessions, TestSession } from '../support';

type Look = Requests['xv6.timeline']['arguments'];

/** All that there is to know of a stretch. */
async function read(session: TestSession, look: Look = {}): Promise<TimelineModel> {
  let model = await session.ask('xv6.timeline', look);
  while (model.reading) {
    await setTimeout(20);
    model = await session.ask('xv6.timeline', look);
  }
  return model;
}

const inLane = ({ marks }: TimelineModel, lane: TimelineLane): TimelineMark[] =>
  marks.filter((mark) => mark.lane === lane);

async function goTo(session: TestSession, to: Requests['xv6.goTo']['arguments']): Promise<string> {
  const arrived = session.waitForEvent('xv6.instant');
  await session.ask('xv6.goTo', to);
  await session.stopped();
  return ((await arrived).body as { instant: string }).instant;
}

/** Runs a command of the shell and stops some time after it. */
async function runToPrompt(session: TestSession, harts: number): Promise<void> {
  await session.boot({ harts, warmStart: false });
  await session.written('$ ');
  const from = await session.type('echo hello');
  await session.written('hello\n', from + 10);
  // Then the kernel has nothing to do.
  await setTimeout(100);
  await session.pauseRequest({ threadId: 1 });
  await session.stopped();
}

describe('the timeline', function () {
  this.timeout(120_000);
  const current = sessions();

  for (const harts of [1, 3]) {
    it(`says which process is on which hart, and in which mode, as one finds it there (${harts} harts)`, async () => {
      const session = current();
      await runToPrompt(session, harts);
      const whole = await read(session);
      assert.deepEqual([whole.start, whole.from, whole.to], [0, 0, whole.present]);
      assert.deepEqual(whole.read, [[0, whole.present]]);
      const waited = whole.spans
        .filter(({ hart, shares }) => hart === 0 && whole.states[shares[0]![0]]!.does === 'idle')
        .reduce((sum, { from, to }) => sum + to - from, 0);
      assert.ok(waited > 500_000, `${waited} of ${whole.present}`);
      const active = inLane(whole, 'traps').map(({ time }) => time);
      let checked = 0;
      const seen = new Set<string>();
      const kinds = (): Set<string> => new Set([...seen].map((one) => one.split(' ')[0]!));
      const isEnough = (): boolean => checked >= 16 && seen.size >= 5 && kinds().has('user') && kinds().has('idle');
      for (let i = 0; i < 60 && !isEnough(); i++) {
        const middle = active[(i * 37) % active.length]!;
        const model = await read(session, { from: middle - 6000, to: middle + 6000, columns: 800 });
        // Within a column that has several states, which of them it is cannot be told.
        const certain = model.spans.filter(({ shares }) => shares.length === 1);
        const stateAt = ({ shares }: TimelineSpan): TimelineState => model.states[shares[0]![0]]!;
        for (const one of new Map(certain.map((span) => [stateAt(span).text, span])).values()) {
          const time = Math.floor((one.from + one.to) / 2);
          await goTo(session, { time });
          for (const { hart, pid, runs } of (await session.ask('xv6.processes', {})).harts) {
            // At the very time at which a span begins, one is still before the trap that it begins with.
            const span = certain.find((other) => other.hart === hart && other.from < time && other.to > time);
            if (!span) continue;
            const { text, does, pid: told } = stateAt(span);
            const where = `hart ${hart} at ${time}: ${text}`;
            const { id, name } = (await session.stack(hart + 1))[0]!;
            // A hart whose turn has ended within the switch is told to be in the other process when it goes on.
            if (name === 'swtch') continue;
            assert.equal(told, pid, where);
            assert.equal(/USER/.test(await session.value('$mode', 'watch', id)), does === 'user', where);
            // One that is awake again may wait for its turn; before there is a scheduler, harts wait for the first one.
            if (runs === 'idle') assert.equal(does, 'idle', where);
            else assert.ok(does !== 'idle' || /^(scheduler|starting)$/.test(runs), `${where}, ${runs}`);
            seen.add(`${does} ${told}`);
            checked++;
          }
        }
        await goTo(session, { instant: 'present' });
      }
      assert.ok(isEnough(), `${checked}: ${[...seen].join(', ')}`);
    });
  }

  it('has satp writes and traps where one stops for them', async () => {
    const session = current();
    await runToPrompt(session, 1);
    const whole = await read(session);
    const [, some] = inLane(whole, 'satp');
    const model = await read(session, { from: some!.time - 20_000, to: some!.time + 20_000, columns: 800 });
    const expected = model.marks
      .filter(({ lane, count }) => (lane === 'satp' || lane === 'traps') && count === 1)
      .sort((a, b) => a.time - b.time)
      .slice(0, 8);
    assert.ok(new Set(expected.map(({ lane }) => lane)).size === 2, JSON.stringify(expected));
    await session.setFilters('satp-write', 'system-call', 'page-fault', 'interrupt');
    await goTo(session, { time: expected[0]!.time - 10 });
    const found: string[] = [];
    for (let i = 0; i < 30 && found.length < expected.length; i++) {
      const arrived = session.waitForEvent('xv6.instant');
      await session.goOn();
      const { instant } = (await arrived).body as { instant: string };
      if (expected.some((one) => one.instant === instant)) found.push(instant);
    }
    assert.deepEqual(
      found,
      expected.map(({ instant }) => instant),
    );
  });

  it('has the lines of the console where they begin, and the stops', async () => {
    const session = current();
    await session.boot({ functions: ['sys_exec'], harts: 1, warmStart: false });
    const first = session.waitForEvent('xv6.instant');
    await session.stopped();
    const { instant: stop } = (await first).body as { instant: string };
    const model = await read(session);
    assert.deepEqual(
      inLane(model, 'stops').map(({ instant, kinds }) => [instant, kinds]),
      [[stop, [['function breakpoint', 1]]]],
    );
    const line = inLane(model, 'console')[0]!;
    assert.match(line.text, /kernel is booting/);
    const close = await read(session, { from: line.time - 400, to: line.time + 400, columns: 800 });
    assert.deepEqual(
      inLane(close, 'console').map(({ instant, text }) => [instant, text]),
      [[line.instant, line.text]],
    );
    await session.ask('xv6.attachConsole', {});
    const text = session.waitForEvent('xv6.consoleOutput');
    await goTo(session, { instant: line.instant });
    assert.equal(((await text).body as { text: string }).text.trim(), line.text[0]);
    const { here } = await session.ask('xv6.timeline', {});
    assert.equal(here, line.time);
  });

  it('leaves the machine where it is, its console and the counts of its breakpoints', async () => {
    const session = current();
    await session.boot({ functions: ['walk'], harts: 1, warmStart: false });
    await session.stopped();
    const hits = async (): Promise<string[]> => [...(await session.places()), await session.value('va')];
    const before = await hits();
    const console = session.console;
    await read(session);
    await read(session, { from: 1000, to: 90_000 });
    assert.deepEqual(await hits(), before);
    assert.equal(session.console, console);
    await session.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'walk', hitCondition: '3' }] });
    await session.goOn();
    const third = await hits();
    assert.notDeepEqual(third, before);
    await session.customRequest('reverseContinue', { threadId: 1 });
    await session.stopped();
    await session.goOn();
    assert.deepEqual(await hits(), third);
  });

  it('is read no more once the machine runs, and forgets what another future replaces', async () => {
    const session = current();
    await runToPrompt(session, 3);
    const first = await read(session);
    await session.ask('xv6.timeline', { from: 0, to: 1e6 });
    await session.continueRequest({ threadId: 1 });
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
    const typed = inLane(first, 'console').find(({ text }) => text === '$ echo hello');
    assert.ok(
      typed,
      inLane(first, 'console')
        .map(({ text }) => text)
        .join(),
    );
    const time = typed.time + 100;
    await goTo(session, { time });
    await session.ask('xv6.branch', {});
    const branched = await session.ask('xv6.timeline', { read: 'off' });
    assert.equal(branched.present, time);
    assert.ok(branched.read.every(([, to]) => to <= time));
    await session.continueRequest({ threadId: 1 });
    const from = session.console.length;
    await session.type('echo other');
    await session.written('other\n', from + 11);
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
    const lines = inLane(await read(session), 'console').map(({ text }) => text);
    assert.deepEqual(
      lines.slice(0, 1),
      inLane(first, 'console')
        .map(({ text }) => text)
        .slice(0, 1),
    );
    assert.ok(lines.some((text) => /other/.test(text)) && !lines.some((text) => /hello/.test(text)), lines.join());
  });

  it('begins at power on also where the session began at the first prompt', async () => {
    const session = current();
    await session.boot({ harts: 1 });
    await session.written('$ ');
    await session.written('$ ', await session.type('ls'));
    const other = await TestSession.open(session.cache);
    try {
      await other.boot({ harts: 1, functions: ['sys_unlink'] });
      await other.written('$ ');
      await other.type('rm x');
      await other.stopped();
      const lines = inLane(await read(other), 'console');
      assert.match(lines[0]!.text, /kernel is booting/);
      const { harts: found } = await other.ask('xv6.processes', {});
      await goTo(other, { instant: lines[0]!.instant });
      assert.equal((await other.ask('xv6.processes', {})).harts[0]!.pid, undefined);
      await goTo(other, { instant: 'present' });
      assert.deepEqual((await other.ask('xv6.processes', {})).harts, found);
    } finally {
      await other.stop();
    }
  });

  it('refuses what is no time', async () => {
    const session = current();
    await runToPrompt(session, 1);
    await assert.rejects(session.ask('xv6.goTo', {}), /no such instant/);
    const far = await session.ask('xv6.timeline', { from: 1e15, to: 1e15 + 5, read: 'off' });
    assert.deepEqual([far.spans, far.marks], [[], []]);
    const odd = await session.ask('xv6.timeline', { from: 500, to: 100, columns: -3, read: 'off' });
    assert.deepEqual(odd.spans, []);
  });
});
