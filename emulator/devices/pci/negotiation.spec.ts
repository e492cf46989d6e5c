/** The PHY's registers as the card has them in MDIC, and the negotiation of the link's speed: values are those of QEMU 7.2. */
import assert from 'node:assert/strict';
import { FakeBoard } from '../../testing/fake-board';
import { E1000 } from './e1000';
import { Interrupt, Register } from './e1000-registers';

const STATUS = 0x0821_0000;
const PARTNER = 0x0825_0000;
const RESTART = 0x0420_1340;

describe('the negotiation of the link', () => {
  const card = (): E1000 => {
    const { memory } = new FakeBoard(1, 0x1000);
    return new E1000({ memory, now: () => 0, setInterrupt: () => undefined }, () => undefined);
  };
  const ask = (from: E1000, what: number): number => {
    from.write(Register.MDIC, 4, BigInt(what));
    return Number(from.read(Register.MDIC, 4));
  };

  it('is complete once a driver restarts it, which changes the state of the link; reset undoes it', () => {
    const one = card();
    assert.deepEqual([ask(one, STATUS), ask(one, PARTNER)], [0x1821_794d, 0x1825_01e0]);
    assert.equal(ask(one, 0x0420_1140), 0x1420_1140);
    assert.equal(one.read(Register.ICR, 4), 0n);
    assert.equal(ask(one, RESTART), 0x1420_1340);
    assert.equal(one.read(Register.ICS, 4), BigInt(Interrupt.LSC));
    assert.deepEqual([ask(one, STATUS), ask(one, PARTNER)], [0x1821_796d, 0x1825_41e0]);
    const other = card();
    other.restore(one.save());
    assert.equal(ask(other, STATUS), 0x1821_796d);
    other.reset();
    assert.equal(ask(other, STATUS), 0x1821_794d);
  });

  it('is not restarted by a read, nor by a write to another PHY', () => {
    const one = card();
    for (const what of [0x0820_1340, 0x0440_1340, 0x0424_1340]) ask(one, what);
    assert.equal(ask(one, STATUS), 0x1821_794d);
  });
});
