import assert from 'node:assert/strict';
import { Machine } from '../machine';
import { Assembler, BASE, R, laidOut } from '../testing/guests';
import { Speculation } from './speculation';

const { s0, s1, t0, t1 } = R;
const MEMORY = BASE + 0x1_0000;
const LOCKS = 200;
const WORDS = 256;

/** What a hart does from `loop` on, looked at for so many instructions. */
function speculate(loop: (a: Assembler) => void, steps: number): Speculation {
  const a = new Assembler()
    .li(s0, MEMORY)
    .li(s1, MEMORY + LOCKS * 64)
    .li(t0, 1);
  loop(a.label('loop'));
  a.to('loop', 'jal');
  const machine = new Machine({ harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel: laidOut(a) });
  machine.run({ instructions: 20 });
  const before = machine.stateHash();
  const executor = machine['loopWalk']['executor'];
  const speculation = new Speculation(machine.harts[0]!, machine.memory, machine['mmu'], executor);
  for (let i = 0; i < steps && !speculation.fills; i++) assert.ok(speculation.step());
  speculation.rollBack();
  assert.equal(machine.stateHash(), before);
  return speculation;
}

describe('speculation', () => {
  it('notices soon that memory is being filled, by whatever width', () => {
    for (const [store, imm] of [
      ['sb', 1],
      ['sd', 8],
    ] as const) {
      const filling = speculate(
        (a) => a.op(store, { rs1: s0, rs2: t0 }).op('addi', { rd: s0, rs1: s0, imm }),
        3 * (512 + 1) * 8,
      );
      assert.ok(filling.fills, store);
    }
  });

  it('takes no loop for one that fills memory which takes many locks, and puts each back', () => {
    const looking = speculate(
      (a) =>
        a
          .op('amoswap.w', { rd: t1, rs1: s0, rs2: t0 })
          .op('sw', { rs1: s0 })
          .op('addi', { rd: s0, rs1: s0, imm: 64 })
          .to('loop', 'bltu', { rs1: s0, rs2: s1 })
          .li(s0, MEMORY),
      LOCKS * 4 * 3,
    );
    assert.ok(looking.changed && !looking.fills);
  });

  it('takes no loop for one that fills memory which clears a buffer in each pass, and fills it again', () => {
    const clearing = speculate(
      (a) => {
        for (const [name, value] of [
          ['clear', R.zero],
          ['fill', t0],
        ] as const) {
          a.li(s0, MEMORY).li(s1, MEMORY + WORDS * 8);
          a.label(name).op('sd', { rs1: s0, rs2: value }).op('addi', { rd: s0, rs1: s0, imm: 8 });
          a.to(name, 'bltu', { rs1: s0, rs2: s1 });
        }
      },
      WORDS * 3 * 5,
    );
    assert.ok(clearing.changed && !clearing.fills);
  });
});
