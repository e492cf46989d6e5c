/** Floating point in the debugger: registers, variables in them and where calls have saved them, expressions, and setting them. */
import { strict as assert } from 'node:assert';
import { resolve } from 'node:path';
import { oneSession } from '../support';

const KERNEL = resolve('debug-adapter/testing/symbols/floats/floats.elf');

describe('floating point', function () {
  this.timeout(60_000);
  const session = oneSession(async (one) => {
    await one.boot({ kernel: KERNEL, functions: ['leaf', 'narrow'], filters: [] });
    await one.stopped();
  });
  const value = (expression: string, frameId?: number): Promise<string> =>
    session().value(expression, 'watch', frameId);
  const set = async (expression: string, to: string): Promise<void> => {
    const [frame] = await session().stack();
    await session().customRequest('setExpression', { expression, value: to, frameId: frame!.id });
  };
  const registers = async (): Promise<Map<string, string>> =>
    new Map((await session().scope('Registers')).map((one) => [one.name, one.value]));

  it('is shown as variables and registers, of callers too where they have been saved', async () => {
    assert.equal(await value('x'), '3.75');
    assert.equal(await value('$fa0'), '3.75');
    assert.equal(await value('$f10 * 2 + 1.5f'), '9');
    assert.equal(await value('x > 3 && scale == 1.5f'), '1');
    assert.equal(await value('(int)x + sizeof scale'), '7');
    const [, middle] = await session().stack();
    assert.equal(await value('sum', middle!.id), '3.75');
    assert.equal(await value('$fs0', middle!.id), '3.75');
    await assert.rejects(value('$fa0', middle!.id), /its value is not known/);
  });

  it('is among the registers, with its control and status register', async () => {
    const shown = await registers();
    assert.equal(shown.get('fa0'), '3.75');
    assert.equal(shown.get('ft11'), '0');
    assert.equal(shown.get('fcsr'), '0x0 (no bit set)');
    assert.equal(await value('$sstatus.FS'), '3 (dirty)');
  });

  it('can be set, in a register of either width and in fcsr', async () => {
    await set('x', '1.0 / 3');
    assert.equal(await value('$fa0'), '0.3333333333333333');
    await set('$fcsr', '0x21');
    assert.equal(await value('$frm.RM'), '1 (towards zero)');
    assert.equal(await value('$fcsr.NX'), '1');
    await set('$fcsr', '0');
    await session().goOn();
    // In narrow: a float is boxed.
    assert.equal(await value('y'), '1.5');
    assert.equal(await value('$fa0'), '1.5');
    await set('y', '0.1');
    assert.equal(await value('y == 0.1f && y != 0.1'), '1');
    assert.equal(await value('out'), '0.3333333333333333');
    const shown = await registers();
    assert.equal(shown.get('fa0'), '0.1');
  });
});
