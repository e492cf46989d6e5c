import assert from 'node:assert/strict';
import { accessMode, checkFlags } from './permission';

const [V, R, W, X, U] = [1, 2, 4, 8, 16];
const S = { mode: 'S', sum: false, mxr: false } as const;
const USER = { mode: 'U', sum: false, mxr: false } as const;

describe('the permission judgement', () => {
  it('names the one bit that keeps the kernel from a user page', () => {
    const judged = checkFlags(V | R | W | U, 'load', S);
    assert.equal(judged.allowed, false);
    assert.equal(judged.text, 'V R W are set; U=1, mode S, sstatus.SUM=0: this one bit decides');
    assert.equal(checkFlags(V | R | W | U, 'load', { ...S, sum: true }).allowed, true);
  });

  it('never lets S-mode fetch from a user page', () => {
    const judged = checkFlags(V | R | X | U, 'fetch', { ...S, sum: true });
    assert.equal(judged.text, 'V R X are set; U=1: S-mode may not fetch from a U page, SUM does not help');
  });

  it('judges the user by U, R, W and X', () => {
    assert.equal(checkFlags(V | R | U, 'load', USER).allowed, true);
    assert.equal(checkFlags(V | R | U, 'store', USER).text, 'V R are set; W=0: this one bit decides');
    assert.equal(checkFlags(V | R | U, 'fetch', USER).text, 'V R are set; X=0: this one bit decides');
    assert.equal(checkFlags(V | R | W, 'load', USER).text, 'V R W are set; U=0, mode U: this one bit decides');
    assert.equal(checkFlags(V | R, 'store', USER).text, 'V R are set; U=0, mode U; and W=0');
  });

  it('lets MXR read what is only executable', () => {
    assert.equal(checkFlags(V | X | U, 'load', USER).allowed, false);
    assert.match(checkFlags(V | X | U, 'load', USER).text, /MXR=1/);
    assert.equal(checkFlags(V | X | U, 'load', { ...USER, mxr: true }).allowed, true);
  });

  it('applies MPRV to loads and stores of M-mode only', () => {
    const mprvUser = 1n << 17n;
    assert.equal(accessMode(3, mprvUser, 'load').mode, 'U');
    assert.equal(accessMode(3, mprvUser, 'fetch').mode, 'M');
    assert.equal(accessMode(3, 0n, 'store').mode, 'M');
    assert.equal(accessMode(1, mprvUser, 'load').mode, 'S');
    assert.deepEqual(accessMode(1, (1n << 18n) | (1n << 19n), 'load'), { mode: 'S', sum: true, mxr: true });
  });
});
