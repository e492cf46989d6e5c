import assert from 'node:assert/strict';
import { INSTRUCTIONS } from './decode';
import { isFloatingPoint } from './floating-point';

/** Words as GNU as writes them. */
const WORDS: Readonly<Record<string, number>> = {
  'flw fa0,0(a0)': 0x00052507,
  'fld fa0,8(a0)': 0x00853507,
  'fsw fa0,0(a0)': 0x00a52027,
  'fsd fa0,8(a0)': 0x00a53427,
  'fadd.d fa0,fa1,fa2': 0x02c5f553,
  'fmadd.s fa0,fa1,fa2,fa3': 0x68c5f543,
  'fnmadd.d fa0,fa1,fa2,fa3': 0x6ac5f54f,
  'fmv.d.x fa0,a0': 0xf2050553,
  'fcvt.l.d a0,fa0': 0xc2257553,
  'frcsr a0': 0x00302573,
  'fscsr a0': 0x00351073,
  'frrm a0': 0x00202573,
  'c.fld fa0,8(a0)': 0x2508,
  'c.fsd fa0,8(a0)': 0xa508,
  'c.fldsp fa0,8(sp)': 0x2522,
  'c.fsdsp fa0,8(sp)': 0xa42a,
};
const OTHERS: Readonly<Record<string, number>> = {
  'c.addiw a0,1': 0x2505,
  'c.j': 0xa001,
  'c.ld a0,0(a0)': 0x6108,
  'vle8.v v0,(a0)': 0x02050007,
  'vle64.v v0,(a0)': 0x02057007,
  'csrr a0,mstatus': 0x30002573,
  'csrr a0,0x004': 0x00402573,
  ecall: 0x00000073,
  zeroes: 0,
  ones: 0xffffffff,
};

describe('floating-point instructions', () => {
  for (const [text, word] of Object.entries(WORDS))
    it(`include ${text}`, () => assert.equal(isFloatingPoint(word), true));
  for (const [text, word] of Object.entries(OTHERS))
    it(`do not include ${text}`, () => assert.equal(isFloatingPoint(word), false));

  it('include none that this machine has', () => {
    assert.deepEqual(
      INSTRUCTIONS.filter(({ match }) => isFloatingPoint(match >>> 0)),
      [],
    );
  });
});
