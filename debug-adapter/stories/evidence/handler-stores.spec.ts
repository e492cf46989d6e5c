import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Phase, type Instant } from '../../../emulator/history/instant';
import type { Probe, Timeline } from '../../../emulator/history/timeline';
import { PTE, pteOf } from '../../../emulator/isa/sv39';
import { Mode, type Stop, type TableStoreEvent, type TrapEvent } from '../../../emulator/types';
import type { AskedGuest } from '../../questions/occurrence';
import { CPUS, guestKernel, PROC } from '../../testing/xv6-kernel';
import { unsaid } from '../../testing/words-in';
import { openXv6 } from '../../xv6/kernel';
import { handlerStore } from './handler-stores';

const [ROOT, OTHER] = [0x87f70000n, 0x87f60000n];
/** Hart 1 runs pid 3 sh, whose table has ROOT; hart 0 runs pid 1 init. */
const trap: TrapEvent = {
  ...{ hart: 1, interrupt: false, cause: 15, tval: 0x5008n, epc: 0x20n, from: Mode.User, to: Mode.Supervisor },
};
const leaf = pteOf(0x80100000n, PTE.V | PTE.R | PTE.W | PTE.U);

const store = (maps: bigint, more: Partial<TableStoreEvent> = {}): Stop => ({
  kind: 'tableStore',
  event: {
    ...{ by: 'instruction', hart: 1, pc: 0x80001000n, address: 0x87f71000n, root: ROOT, level: 0, index: 0 },
    ...{ maps, before: 0n, after: leaf, ...more },
  },
});
const back = (hart: number): Stop => ({
  ...{ kind: 'trapReturn', event: { hart, pc: 0n, from: Mode.Supervisor, to: Mode.User, target: 0x20n } },
});

/** What is said of the stores that follow a trap, until the program goes on. */
async function said(stops: readonly Stop[], event = trap): Promise<string | undefined> {
  const { program } = guestKernel();
  program.poke(CPUS + 8n, PROC);
  const at: Instant = { inputs: 0, time: 100, phase: Phase.attempted };
  const roots = [OTHER, ROOT];
  let listeners: Parameters<AskedGuest['machine']['subscribe']>[0] = {};
  const guest = {
    harts: [0, 1].map((id) => ({ id, mode: Mode.Supervisor, pc: 0x80001000n, x: () => 0n, csr: () => 0n })),
    xv6: openXv6(program, program.read),
    machine: {
      ...{ instant: at, now: 10 },
      subscribe: (observer: typeof listeners) => {
        listeners = observer;
        return { followTables: () => undefined, end: () => undefined };
      },
    },
    ...{ userRoot: ({ id }: { id: number }) => roots[id], imageOf: () => undefined, imageAt: () => undefined },
  } as unknown as AskedGuest;
  const timeline = {
    present: at,
    goTo: () => Promise.resolve(),
    findFirst: (_after: Instant, _last: Instant, probe: Probe<true>) => {
      probe.watch();
      for (const stop of stops) {
        const isHeard =
          stop.kind === 'tableStore'
            ? listeners.tableStore!(stop.event)
            : stop.kind === 'trapReturn' && listeners.trapReturn!(stop.event);
        if (isHeard && probe.found(stop)) break;
      }
      return Promise.resolve(undefined);
    },
  } as unknown as Timeline;
  return (await handlerStore(guest, timeline, event, at))?.text;
}

describe('what the handler of an exception then wrote', () => {
  const CHANGE = '0 → 0x20040017 (PA 0x80100000, V R W - U - - -).';
  const OWN = `Its handler then wrote this entry: ${CHANGE}`;
  const NEXT = `Its handler then wrote the entry for 0x4000, and none for 0x5008: ${CHANGE}`;
  const ROWS: [string, Stop[], string | undefined][] = [
    ['the entry that was missing', [store(0x5000n)], OWN],
    ['that and others', [store(0x4000n), store(0x5000n)], OWN],
    ['a superpage that covers the address', [store(0n, { level: 1 })], OWN],
    ['another one', [store(0x4000n)], NEXT],
    [
      'one above the address',
      [store(0x6000n)],
      `Its handler then wrote the entry for 0x6000, and none for 0x5008: ${CHANGE}`,
    ],
    ['the entry that was missing, after another hart has gone back to its program', [back(0), store(0x5000n)], OWN],
    [
      'another one, before the program goes on and maps what was missing',
      [store(0x4000n), back(1), store(0x5000n)],
      NEXT,
    ],
    ['one that is not valid', [store(0x5000n, { after: 0x20n })], undefined],
    ['a page of the table', [store(0x5000n, { after: pteOf(0x80100000n, PTE.V) })], undefined],
    ['the marks of a walk', [store(0x5000n, { by: 'walk' })], undefined],
    ['one of another table', [store(0x5000n, { root: OTHER })], undefined],
    // The process was ended, its root freed, and another process has it.
    ['one for another process that has the root by then', [store(0x5000n, { hart: 0 })], undefined],
    [
      'as many as are looked at, the one that was missing not among them',
      Array.from({ length: 80 }, () => store(0x4000n)),
      undefined,
    ],
    ['nothing', [back(1), store(0x5000n)], undefined],
  ];
  for (const [what, stops, sentence] of ROWS)
    it(`${what}: ${sentence ?? 'nothing is said'}`, async () => assert.equal(await said(stops), sentence));

  it('is all told', () => {
    const all = ROWS.flatMap(([, , sentence]) => sentence ?? []);
    assert.deepEqual(unsaid(join(__dirname, 'handler-stores.ts'), all), []);
  });

  it('is nothing of the kernel’s own exceptions', async () => {
    assert.equal(await said([store(0x5000n)], { ...trap, from: Mode.Supervisor }), undefined);
  });
});
