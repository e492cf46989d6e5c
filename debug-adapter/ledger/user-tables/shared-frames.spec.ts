import { strict as assert } from 'node:assert';
import { PTE } from '../../../emulator/isa/sv39';
import { FakeMachine } from '../../testing/fake-machine';
import { userTables } from '../../testing/user-tables';
import { SharedFrames } from './shared-frames';

const PAGE = 0x80500;
const RU = PTE.R | PTE.U;

function setUp() {
  const { memory, mappings, map } = userTables(3);
  const machine = new FakeMachine();
  const told: { page: number; tables: string[] }[] = [];
  const frames = new SharedFrames(machine, mappings, (_, page, leaves) => {
    told.push({ page, tables: leaves.map(({ table }) => table) });
    return true;
  });
  frames.begin();
  const look = (): number[] => {
    mappings.count();
    frames.look();
    return machine.watches.map(({ address }) => Number(address >> 12n));
  };
  const stores = (page: number, by: 'instruction' | 'device' = 'instruction'): boolean => {
    const address = (BigInt(page) << 12n) + 8n;
    const watch = machine.watches.find((one) => one.address === BigInt(page) << 12n);
    const bytes = new Uint8Array(8);
    const event = { address, access: 'write', before: bytes, after: bytes, by } as const;
    return (
      watch !== undefined && machine.tell('data', { ...event, watch, ...(by === 'instruction' && { hart: 0, pc: 1n }) })
    );
  };
  return { frames, machine, memory, map, look, stores, told };
}

describe('pages that programs share', () => {
  it('are watched where two have them and none may write', () => {
    const { map, look } = setUp();
    map(0, 0, PAGE, RU);
    map(0, 0x1000, PAGE + 1, RU);
    map(1, 0x1000, PAGE + 1, RU);
    map(0, 0x2000, PAGE + 2, RU);
    map(2, 0x2000, PAGE + 2, RU | PTE.W);
    for (const one of [0, 1, 2]) map(one, 0x3000, PAGE + 3, PTE.R | PTE.X);
    assert.deepEqual(look(), [PAGE + 1], 'no page of one, none that one may write, no trampoline');
  });

  it('are told of when an instruction stores there, with all who have them', () => {
    const { map, look, stores, told } = setUp();
    for (const one of [0, 2]) map(one, 0x1000, PAGE, RU);
    look();
    assert.equal(stores(PAGE), true);
    assert.deepEqual(told, [{ page: PAGE, tables: ['the table of pid 1', 'the table of pid 3'] }]);
    assert.equal(stores(PAGE, 'device'), false);
  });

  it('are watched as long as they are not too many', () => {
    const { map, look } = setUp();
    for (let page = 0; page < 600; page++) for (const one of [0, 1]) map(one, page << 12, PAGE + page, RU);
    assert.equal(look().length, 512);
  });

  it('may be written when only one has them any more', () => {
    const { map, look, stores, told, machine } = setUp();
    for (const one of [0, 1]) map(one, 0x1000, PAGE, RU);
    for (const one of [0, 1]) map(one, 0x2000, PAGE + 1, RU);
    look();
    map(1, 0x1000, PAGE + 9, RU | PTE.W);
    assert.equal(stores(PAGE), false);
    assert.deepEqual(told, []);
    assert.deepEqual(
      machine.watches.map(({ address }) => Number(address >> 12n)),
      [PAGE + 1],
    );
  });

  it('may be written when one may write them since, by whichever of its entries', () => {
    const { map, look, stores, told } = setUp();
    for (const one of [0, 1]) map(one, 0x1000, PAGE, RU);
    look();
    map(1, 0x5000, PAGE, RU | PTE.W);
    assert.equal(stores(PAGE), false);
    assert.deepEqual(told, []);
  });

  it('are of two programs: not a page that one has twice', () => {
    const { map, look, stores } = setUp();
    for (const va of [0x1000, 0x2000]) map(0, va, PAGE, RU);
    look();
    assert.equal(stores(PAGE), false);
  });

  it('are watched again when they are restored, and no more at the end', () => {
    const { frames, map, look, machine } = setUp();
    for (const one of [0, 1]) map(one, 0x1000, PAGE, RU);
    look();
    const saved = frames.save() as number[];
    frames.restore([]);
    assert.equal(machine.watches.length, 0);
    frames.restore([...saved, 7]);
    assert.deepEqual(
      machine.watches.map(({ address }) => Number(address >> 12n)),
      [PAGE],
      'page 7 is no memory',
    );
    frames.end();
    assert.equal(machine.watches.length, 0);
  });
});
