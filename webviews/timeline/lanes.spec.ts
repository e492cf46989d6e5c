import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { gaps } from './gaps';
import { commandOf } from './keys';
import { itemAt, itemsIn, laneAt, lanesOf, partRead } from './lanes';
import { model } from './testing/model';

const lanes = lanesOf(model);
const lane = (id: string) => lanes.find((one) => one.id === id)!;

describe('the lanes of the timeline', () => {
  it('are one of each hart, and of each kind of event; packets and bookmarks only if there are any', () => {
    assert.deepEqual(
      lanes.map(({ label }) => label),
      ['Hart 0', 'Hart 1', 'Traps', 'satp', 'Console', 'Stops'],
    );
    const marks = [...model.marks, { ...model.marks[0]!, lane: 'bookmarks' as const }];
    assert.equal(lanesOf({ ...model, marks }).at(-1)!.label, 'Bookmarks');
    const packets = [{ ...model.marks[0]!, lane: 'packets' as const }];
    assert.deepEqual(
      lanesOf({ ...model, marks: packets })
        .slice(-2)
        .map(({ label }) => label),
      ['Packets', 'Stops'],
    );
    for (const one of lanes) assert.equal(laneAt(lanes, one.top + one.height / 2), one);
    assert.equal(laneAt(lanes, -20), undefined);
  });

  it('say what is in them, in the order of time', () => {
    const texts = (id: string) => itemsIn(model, lane(id)).map(({ text }) => text);
    assert.deepEqual(texts('traps'), [
      'supervisor timer interrupt · at 4.00 ms',
      '2 system calls, 1 timer interrupt · first: system call read · at 4.00 ms',
    ]);
    assert.deepEqual(texts('console'), ['$ ls · at 4.01 ms']);
    assert.deepEqual(texts('hart-0'), [
      'Hart 0: idle · 0.00 ms to 4.00 ms',
      'Hart 0: pid 3 sh, in user mode 75 %; pid 3 sh, in the kernel 25 %; idle less than 1 % · 4.00 ms to 4.04 ms',
      'Hart 0: pid 3 sh, in the kernel · at 15.00 ms, a sample',
    ]);
  });

  it('lead to instants, and to times of a hart', () => {
    const [, calls] = itemsIn(model, lane('traps'));
    assert.deepEqual(calls!.go, { instant: '0:400100:4', hart: 0 });
    assert.deepEqual(itemsIn(model, lane('hart-1'))[0]!.go, { time: 0, hart: 1 });
  });

  it('are pointed at with some patience for events, and none for spans', () => {
    const traps = itemsIn(model, lane('traps'));
    const at = (time: number) => itemAt(traps, lane('traps'), time, 100)?.from;
    assert.deepEqual([at(400_060), at(400_090), at(400_190), at(500_000)], [400_050, 400_100, 400_100, undefined]);
    const spans = itemsIn(model, lane('hart-0'));
    assert.equal(itemAt(spans, lane('hart-0'), 400_000, 0)!.from, 400_000);
    assert.equal(itemAt(spans, lane('hart-0'), 900_000, 1e9), undefined);
  });

  it('are known in part', () => {
    assert.equal(partRead(model), 0.5);
    assert.equal(partRead({ ...model, from: 500_000, to: 900_000 }), 1);
    assert.deepEqual(
      gaps(
        [
          [10, 20],
          [20, 30],
          [50, 200],
        ],
        100,
      ),
      [
        [0, 10],
        [30, 50],
      ],
    );
    assert.deepEqual(gaps([], 100), [[0, 100]]);
    assert.deepEqual(gaps([[0, 100]], 100), []);
  });

  it('are gone through by keys', () => {
    const none = { altKey: false, metaKey: false, ctrlKey: false, shiftKey: false };
    const command = (key: string, more = {}) => commandOf({ key, ...none, ...more });
    assert.deepEqual(command('ArrowLeft'), { do: 'item', by: -1 });
    assert.deepEqual(command('ArrowRight', { ctrlKey: true }), { do: 'move', by: 0.2 });
    assert.deepEqual(command('ArrowDown'), { do: 'lane', by: 1 });
    assert.deepEqual(command('+'), { do: 'zoom', in: true });
    assert.deepEqual(command('Enter'), { do: 'go' });
    // Those of VS Code's own commands.
    assert.equal(command('0', { ctrlKey: true }), undefined);
    assert.equal(command('ArrowLeft', { altKey: true }), undefined);
    assert.equal(command('F5'), undefined);
  });
});
