import assert from 'node:assert/strict';
import { PTE } from '../../emulator/isa/sv39';
import { Mode } from '../../emulator/types';
import { kernelAt, FaultSetting as Setting } from '../testing/fault-setting';
import type { TrapExplanation } from './explain';

const { R, W, U, V } = PTE;
const S = Mode.Supervisor;
const A0 = 10;
/** `ld a1, 0(a0)`. */
const LOAD = 0x00053583;

describe('relevance of other tables', () => {
  it('is none of every process whose program lies at the address', () => {
    const setting = kernelAt(LOAD);
    for (let pid = 4; pid < 9; pid++) setting.tables.push(setting.table('user', `pid ${pid}`, setting.user));
    const { text } = setting.explain(13, 0n, S, 0x80000100n);
    assert.match(text, /^a null pointer in a0$/m);
    assert.doesNotMatch(text, /maps it to/);
  });

  it("is that of another process's own kernel table only where none that is nearer maps the address", () => {
    const setting = kernelAt(LOAD, A0, 0x3fffffd000n);
    const [near, far] = [setting.memory.page(), setting.memory.page()];
    for (const root of [near, far]) setting.memory.map(root, 0x3fffffd000n, 0x80200000n, R | W);
    setting.tables.push(setting.table('process-kernel', 'pid 4, kpagetable', far));
    const told = (): string => setting.explain(13, 0x3fffffd000n, S, 0x80000100n).text;
    assert.match(told(), /pid 4, kpagetable maps it/);
    setting.tables.push(setting.table('process-kernel', 'pid 3, kpagetable', near, true));
    assert.match(told(), /pid 3, kpagetable maps it/);
    assert.doesNotMatch(told(), /pid 4/);
  });
});

describe('what decides a trap', () => {
  it('is an entry of the walk and bits of it', () => {
    const deciding = (told: TrapExplanation) => [told.deciding?.step, told.deciding?.bits];
    const setting = new Setting();
    assert.deepEqual(deciding(setting.explain(13, 0x4008n)), [2, ['V']]);
    assert.deepEqual(deciding(setting.explain(15, 0n)), [2, ['W']]);
    assert.deepEqual(deciding(setting.explain(13, 0x1000n, S)), [2, ['U']]);
    assert.deepEqual(deciding(setting.explain(13, 0x1000n)), [2, []], 'nothing in the table decided');
    assert.deepEqual(deciding(setting.explain(13, 0x40000000n)), [0, ['V']]);
    assert.deepEqual(deciding(setting.explain(13, 0x4000000000n)), [undefined, []]);
    setting.memory.map(setting.user, 0x3fffffd000n, 0n, R | U);
    assert.deepEqual(deciding(setting.explain(5, 0x3fffffd000n)), [2, ['PPN']]);
    setting.memory.writeU64(setting.user + 8n, BigInt(V));
    assert.deepEqual(
      deciding(setting.explain(5, 0x40000000n)),
      [0, ['PPN']],
      'the entry that names a table outside RAM',
    );
    assert.equal(setting.explain(8, 0n).deciding, undefined);
  });
});
