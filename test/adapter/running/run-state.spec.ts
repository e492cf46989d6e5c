/**
 * A run that is done again from a moment that was saved: a session with everything that learns by watching, in this process,
 * since no request saves or restores.
 */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import type { HostClock } from '../../../emulator/run-loop';
import { Mode } from '../../../emulator/types';
import { imageOf } from '../../../emulator/testing/disk-image';
import { Connection, type Channel } from '../../../debug-adapter/dap/connection';
import type { Files, OpenDisk } from '../../../debug-adapter/launch/files';
import { nodeFiles } from '../../../debug-adapter/node-files';
import { newContext, requireSession, type SessionContext } from '../../../debug-adapter/requests/context';
import { launch } from '../../../debug-adapter/requests/lifecycle/launch';
import type { DataBreakpointSpec } from '../../../debug-adapter/run-control/data-breakpoints';
import { restoreRun, saveRun } from '../../../debug-adapter/run-control/run-state';
import { DISK, KERNEL } from '../support';

/** Timers that the test runs, in the order in which they were set, and without waiting for them. */
class HandClock implements HostClock {
  private readonly due: (() => void)[] = [];
  private skipped = 0;
  now = (): number => performance.now() + this.skipped;
  unixTime = (): number => 0;
  soon(action: () => void): void {
    this.due.push(action);
  }
  later(milliseconds: number, action: () => void): () => void {
    let wanted = true;
    this.due.push(() => {
      if (!wanted) return;
      this.skipped += milliseconds;
      action();
    });
    return () => (wanted = false);
  }
  turn(): boolean {
    const action = this.due.shift();
    action?.();
    return action !== undefined;
  }
}

class Session {
  readonly clock = new HandClock();
  readonly said: string[] = [];
  readonly context: SessionContext;

  constructor() {
    const channel: Channel = {
      send: (message) => {
        const { event, body } = message as { event?: string; body?: Record<string, unknown> };
        if (event === 'stopped')
          this.said.push(`${String(body!.description ?? body!.reason)} ${String(body!.hitBreakpointIds)}`);
        if (event === 'output' && body!.category === 'console') this.said.push(String(body!.output));
      },
      onMessage: () => undefined,
    };
    const { read, exists, list, sample } = nodeFiles;
    const openDisk = (): Promise<OpenDisk> =>
      Promise.resolve({ ...imageOf(new Uint8Array(readFileSync(DISK))), close: () => undefined });
    const files: Files = { read, exists, list, sample, openDisk };
    const connection = new Connection(channel);
    this.context = newContext(connection, { files, clock: this.clock, workingDirectory: '/', end: () => undefined });
  }
  /** Runs to the next stop. */
  run(): void {
    const { runner } = requireSession(this.context);
    this.context.stopped = undefined;
    runner.start();
    for (let turns = 0; runner.running && turns < 10_000; turns++) this.clock.turn();
    assert.ok(this.context.stopped, this.said.join(''));
  }
}

const DATA: DataBreakpointSpec[] = [{ dataId: 'global ticks', accessType: 'write', hitCondition: '% 2' }];
const [before, after] = [Uint8Array.of(0, 0, 0, 0), Uint8Array.of(1, 0, 0, 0)];
const STORE = { access: 'write', by: 'instruction', hart: 0, pc: 0n, before, after } as const;
const TRAP = { hart: 0, interrupt: false, cause: 13, tval: 0n, epc: 0n, from: Mode.User, to: Mode.Supervisor };

describe('a session', function () {
  this.timeout(60_000);

  for (const harts of [1, 2]) {
    it(`comes to the same stops, counts and messages again from where it was saved, with ${harts} harts`, async () => {
      const session = new Session();
      const { context, said } = session;
      const { breakpoints, catchpoints, dataBreakpoints } = context.stopPoints;
      breakpoints.setFunctions([
        { kind: 'function', name: 'userinit' },
        { kind: 'function', name: 'syscall', logMessage: 'system call on hart', hitCondition: '% 3' },
        { kind: 'function', name: 'syscall', hitCondition: '% 20' },
        { kind: 'function', name: 'syscall', condition: '1 / 0 == 1' },
      ]);
      catchpoints.set([
        { filter: 'satp-write', condition: '1 / 0 == 1' },
        { filter: 'pte-store', condition: '1 / 0 == 1' },
      ]);
      await launch(context, { kernel: KERNEL, disk: DISK, harts, legacyVirtio: false, warmStart: false });
      const { debuggee, learned, awaited, past } = requireSession(context);
      const { machine } = debuggee;
      while (!said.at(-1)?.startsWith('function breakpoint')) session.run();
      catchpoints.set([
        { filter: 'satp-write', condition: '1 / 0 == 1' },
        { filter: 'page-fault' },
        { filter: 'pte-store', condition: '1 / 0 == 1' },
      ]);
      dataBreakpoints.set(DATA);
      awaited.set({ pid: 1, slot: 0 }, true);

      const saved = saveRun(machine, learned);
      const again = (): unknown => {
        said.length = 0;
        for (let stops = 0; stops < 8; stops++) {
          session.run();
          const known = learned.save();
          for (const hart of machine.harts) awaited.decideAt(hart);
          awaited.decide({ kind: 'satpWrite', event: { hart: 0, pc: 0n, before: 0n, after: 1n } });
          awaited.decide({ kind: 'trap', event: TRAP });
          const watches = dataBreakpoints.set(DATA).flatMap((one) => one.watches);
          const events = watches.map((watch) => ({ ...STORE, watch, address: watch.address }));
          if (events.length > 0) awaited.decide({ kind: 'data', events });
          assert.deepEqual(learned.save(), known, 'deciding alone changes nothing');
        }
        return { said: [...said], learned: learned.save(), state: machine.stateHash() };
      };
      const first = again() as { said: string[] };
      for (const what of ['pid 1', 'system call', 'ticks', 'division'])
        assert.ok(first.said.join('\n').includes(what), `${what} in ${first.said.join('\n')}`);
      assert.notDeepEqual(learned.save(), saved.learned);
      for (let times = 0; times < 2; times++) {
        restoreRun(machine, learned, saved);
        assert.deepEqual(learned.save(), saved.learned);
        // This is the present now.
        past.branch();
        assert.deepEqual(again(), first);
      }

      const now = { state: machine.stateHash(), learned: learned.save() };
      assert.throws(() => restoreRun(machine, learned, { ...saved, learned: null }), /expected a record of fields/);
      assert.deepEqual({ state: machine.stateHash(), learned: learned.save() }, now);
    });
  }
});
