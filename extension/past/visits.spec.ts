import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Visits } from './visits';

const at = (milliseconds: number) => ({ instant: `t${milliseconds}`, milliseconds });

function visited(...all: number[]): Visits {
  const visits = new Visits();
  for (const one of all) visits.arrive(at(one));
  return visits;
}

describe('visited instants', () => {
  it('lead back and forward again', () => {
    const visits = visited(10, 20, 5);
    assert.equal(visits.next, undefined);
    assert.deepEqual(visits.previous, at(20));
    visits.arrive(at(20));
    assert.deepEqual([visits.previous, visits.next], [at(10), at(5)]);
    visits.arrive(at(10));
    assert.deepEqual([visits.previous, visits.next], [undefined, at(20)]);
    visits.arrive(at(20));
    assert.deepEqual([visits.previous, visits.next], [at(10), at(5)]);
  });

  it('count a second stop at the same instant once', () => {
    assert.deepEqual(visited(10, 20, 20).previous, at(10));
  });

  it('lose what was ahead when the way goes elsewhere', () => {
    const visits = visited(10, 20, 5, 20, 30);
    assert.deepEqual([visits.previous, visits.next], [at(20), undefined]);
  });

  it('lose what came later in time when another future begins', () => {
    const visits = visited(10, 40, 20, 30, 5, 25);
    visits.branch();
    assert.deepEqual([visits.previous, visits.next], [at(5), undefined]);
    for (const expected of [5, 20, 10]) {
      assert.deepEqual(visits.previous, at(expected));
      visits.arrive(at(expected));
    }
    assert.equal(visits.previous, undefined);
  });

  it('lose what came after an earlier instant when another future is entered', () => {
    const visits = visited(10, 40, 20, 30, 5, 25);
    visits.branch(20);
    visits.arrive(at(45));
    assert.deepEqual([visits.previous, visits.next], [at(5), undefined]);
    for (const expected of [5, 20, 10]) {
      assert.deepEqual(visits.previous, at(expected));
      visits.arrive(at(expected));
    }
    assert.equal(visits.previous, undefined);
  });

  it('are so many at most, the latest', () => {
    const visits = visited(...Array.from({ length: 500 }, (_, index) => index));
    let count = 1;
    for (let { previous } = visits; previous; previous = visits.previous, count++) visits.arrive(previous);
    assert.equal(count, 200);
  });
});
