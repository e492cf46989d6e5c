import { Csr } from '../../emulator/isa/csrs';
import { strict as assert } from 'node:assert';
import { Mode, type DataEvent, type Stop } from '../../emulator/types';
import { DataBreakpoints, dataCondition, type DataLocation } from './data-breakpoints';
import type { ConditionEvaluator } from './conditions';
import { FakeMachine } from '../testing/fake-machine';

const ROOT = 0x3000n;

/** A machine in which user address 0x1000 is mapped at `mapped`, and in which the spec can change watched memory. */
function setUp(condition: ConditionEvaluator['condition'] = () => true) {
  const machine = new FakeMachine(2);
  const logged: string[] = [];
  const evaluator: ConditionEvaluator = { condition, logText: (message) => message };
  const data = new DataBreakpoints(evaluator, (text) => (text === '1 +' ? 'it ends' : undefined));
  const mapped = new Map([
    [1n, 0x8000n],
    [2n, 0xa000n],
  ]);
  const physical = (at: bigint): bigint | undefined => {
    const page = mapped.get(at >> 12n);
    return page === undefined ? undefined : page + (at & 0xfffn);
  };
  const show = (bytes: Uint8Array): string => String(bytes[0]);
  const places: Record<string, DataLocation> = {
    word: { label: 'word', address: 0x8010n, bytes: 4, physical: (at) => at, show },
    user: { label: 'user', address: 0x1010n, bytes: 4, physical, userRoot: () => ROOT, show },
    across: { label: 'across', address: 0x1ffcn, bytes: 8, physical, show },
    device: { label: 'device', address: 0x1000_0000n, bytes: 4, physical: (at) => at, show },
  };
  const placeOf = (id: string): DataLocation => {
    const place = places[id];
    if (!place) throw new Error(`there is no ${id}`);
    return place;
  };
  data.bind({ machine, placeOf, doer: () => 'by somebody', tableRoots: () => [] });
  const watched = (): string[] =>
    machine.watches.map(({ address, length, access }) => `${access} ${address.toString(16)}+${length}`);
  /** Reports an access to the first watch. Returns the text of the stop, if any. */
  const touch = (before: number, after: number, more: Partial<DataEvent> = {}): string | undefined => {
    const [watch] = machine.watches;
    const event: DataEvent = {
      ...{ watch: watch!, access: 'write', by: 'instruction', hart: 0, pc: 0x1000n, address: watch!.address },
      ...{ before: Uint8Array.of(before), after: Uint8Array.of(after), ...more },
    };
    machine.memory.write(event.address, event.after);
    const stop: Stop & { kind: 'data' } = { kind: 'data', events: [event] };
    if (!data.concerns(event)) return undefined;
    const { report, logs, record } = data.decide(stop);
    record();
    logged.push(...logs);
    return report?.description;
  };
  return { machine, data, mapped, watched, touch, logged };
}

describe('data breakpoints', () => {
  it('take "every store" alone or before a condition', () => {
    assert.deepEqual(dataCondition('every store'), { every: true });
    assert.deepEqual(dataCondition(' every if pid == 3'), { every: true, condition: 'pid == 3' });
    assert.deepEqual(dataCondition('every store: x'), { every: true, condition: 'x' });
    assert.deepEqual(dataCondition('everything == 1'), { every: false, condition: 'everything == 1' });
    assert.deepEqual(dataCondition(undefined), { every: false });
  });

  it('of one who sets them stay when another sets theirs', () => {
    const { data, watched } = setUp();
    const [mine] = data.set([{ dataId: 'word', accessType: 'write' }]);
    const [entry] = data.set([{ dataId: 'across', accessType: 'write' }], 'entries');
    assert.deepEqual(watched(), ['write 8010+4', 'write 8ffc+4', 'write a000+4']);
    assert.deepEqual([entry!.spec.dataId, entry!.id === mine!.id], ['across', false]);
    assert.deepEqual(data.set([]), []);
    assert.deepEqual(watched(), ['write 8ffc+4', 'write a000+4']);
    assert.deepEqual(data.setBy('entries'), [{ dataId: 'across', accessType: 'write' }]);
    assert.equal(data.set([{ dataId: 'word', accessType: 'read' }])[0]!.spec.accessType, 'read');
    data.set([], 'entries');
    assert.deepEqual(watched(), ['read 8010+4']);
  });

  it('stop at changes, or at every store', () => {
    const { data, touch, watched } = setUp();
    data.set([{ dataId: 'word', accessType: 'write' }]);
    assert.deepEqual(watched(), ['write 8010+4']);
    assert.equal(touch(1, 2), 'word: 1 → 2');
    assert.equal(touch(2, 2), undefined);
    data.set([{ dataId: 'word', accessType: 'write', condition: 'every store' }]);
    assert.equal(touch(2, 2), 'word: 2 → 2');
    data.set([{ dataId: 'word', accessType: 'read' }]);
    assert.equal(touch(7, 7, { access: 'read' }), 'word: read, 7');
  });

  it('follow an address as its page changes, and watch nothing while there is none', () => {
    const { machine, data, mapped, watched } = setUp();
    const [set] = data.set([{ dataId: 'user', accessType: 'write' }]);
    assert.deepEqual(watched(), ['write 8010+4']);
    mapped.set(1n, 0x9000n);
    machine.tell('fence', { hart: 0, pc: 0n });
    assert.deepEqual(watched(), ['write 9010+4']);
    mapped.delete(1n);
    machine.tell('fence', { hart: 0, pc: 0n });
    assert.deepEqual(watched(), []);
    assert.ok(set!.location, 'it waits for a page');
    mapped.set(1n, 0x8000n);
    machine.tell('fence', { hart: 0, pc: 0n });
    assert.deepEqual(watched(), ['write 8010+4']);
  });

  it('heed user code in their own address space alone, but the kernel and devices anywhere', () => {
    const { data, machine, touch } = setUp();
    data.set([{ dataId: 'user', accessType: 'write' }]);
    const [hart] = machine.harts;
    hart!.mode = Mode.User;
    hart!.setCsr(Csr.satp, (8n << 60n) | 4n);
    assert.equal(touch(1, 2), undefined);
    hart!.setCsr(Csr.satp, (8n << 60n) | (ROOT >> 12n));
    assert.equal(touch(1, 2), 'user: 1 → 2');
    hart!.setCsr(Csr.satp, (8n << 60n) | 4n);
    hart!.mode = Mode.Supervisor;
    assert.equal(touch(2, 3), 'user: 2 → 3');
  });

  it('watch both pages of what lies in two, and put the parts together', () => {
    const { data, machine, watched } = setUp();
    data.set([{ dataId: 'across', accessType: 'write' }]);
    assert.deepEqual(watched(), ['write 8ffc+4', 'write a000+4']);
    machine.memory.write(0xa000n, Uint8Array.of(9));
    const second = machine.watches[1]!;
    const event: DataEvent = {
      ...{ watch: second, access: 'write', by: 'device', device: 'disk', address: 0xa000n },
      ...{ before: Uint8Array.of(8), after: Uint8Array.of(9) },
    };
    assert.match(data.decide({ kind: 'data', events: [event] }).report?.text ?? '', /^across: 0 → 0\nby somebody/);
  });

  it('keep ids and hits of those that stay, and ask conditions with both values', () => {
    const asked: unknown[] = [];
    const { data, touch, logged } = setUp((text, hart, overlay) => asked.push([text, hart, overlay]) > 1);
    const wanted = { dataId: 'word', accessType: 'write', condition: '$new > 1' } as const;
    const [first] = data.set([wanted]);
    assert.equal(touch(1, 2), undefined);
    assert.deepEqual(asked, [['$new > 1', 0, { old: 1n, new: 2n }]]);
    const [second, other] = data.set([wanted, { dataId: 'word', accessType: 'write', logMessage: 'hit' }]);
    assert.equal(second!.id, first!.id);
    assert.notEqual(other!.id, first!.id);
    data.set([{ dataId: 'word', accessType: 'write', logMessage: 'hit' }]);
    assert.equal(touch(2, 3), undefined);
    assert.deepEqual(logged, ['hit']);
  });

  it('watch nothing where an address leads to no RAM', () => {
    const { machine, data, mapped, watched } = setUp();
    const [wrong] = data.set([{ dataId: 'device', accessType: 'write' }]);
    assert.match(wrong!.message ?? '', /device is not in RAM/);
    assert.deepEqual(watched(), []);
    data.set([{ dataId: 'user', accessType: 'write' }]);
    mapped.set(1n, 0x1000_0000n);
    machine.tell('fence', { hart: 0, pc: 0n });
    assert.deepEqual(watched(), []);
  });

  it('say why one is nowhere', () => {
    const { data, watched } = setUp();
    const [lost, wrong] = data.set([
      { dataId: 'lost', accessType: 'write' },
      { dataId: 'word', accessType: 'write', condition: '1 +' },
    ]);
    assert.deepEqual([lost!.location, lost!.message], [undefined, 'there is no lost']);
    assert.match(wrong!.message ?? '', /The condition "1 \+" is not valid: it ends/);
    assert.deepEqual(watched(), []);
  });
});
