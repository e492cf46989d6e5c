import { strict as assert } from 'node:assert';
import { verdictOf } from './grade-output';

const OUTPUT = `make: 'kernel/kernel' is up to date.
== Test sleep, no arguments == sleep, no arguments: OK (1.9s) 
== Test find (recursive)? == find (recursive)?: FAIL (0.9s) 
    ...
         $ find . x
         not here
    MISSING '^x$'
    QEMU output saved to xv6.out.find
== Test   usertests: copyin == 
== Test running usertests == (13.2s) 
  usertests: copyin: OK 
== Test lost == 
    Parent failed: test_usertests
== Test time == 
time: FAIL 
    Cannot read time.txt
`;

describe('what a grade script prints', () => {
  it('says of each test whether it passed', () => {
    assert.deepEqual(verdictOf(OUTPUT, 'sleep, no arguments'), { isPassed: true, message: '' });
    assert.deepEqual(verdictOf(OUTPUT, 'usertests: copyin'), { isPassed: true, message: '' });
    assert.deepEqual(verdictOf(OUTPUT, 'time'), { isPassed: false, message: 'Cannot read time.txt' });
  });

  it('says why one failed, with its own indentation', () => {
    assert.deepEqual(verdictOf(OUTPUT, 'find (recursive)?'), {
      isPassed: false,
      message: "...\n     $ find . x\n     not here\nMISSING '^x$'\nQEMU output saved to xv6.out.find",
    });
  });

  it('has no verdict of a test without points, but what was wrong', () => {
    assert.deepEqual(verdictOf(OUTPUT, 'running usertests'), { isPassed: true, message: '' });
    assert.deepEqual(verdictOf(OUTPUT, 'lost'), { isPassed: false, message: 'Parent failed: test_usertests' });
  });

  it('says nothing of a test that was not run, or is running', () => {
    assert.equal(verdictOf(OUTPUT, 'sleep'), undefined);
    assert.equal(verdictOf('== Test running usertests == ', 'running usertests'), undefined);
    assert.equal(verdictOf('', 'x'), undefined);
  });
});
