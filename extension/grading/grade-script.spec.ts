import { strict as assert } from 'node:assert';
import { gradeTests } from './grade-script';

describe('the tests of a grade script', () => {
  it('are its functions with the decorator, by their titles', () => {
    const script = [
      '#!/usr/bin/env python3',
      'from gradelib import *',
      '@test(5, "sleep, no arguments")',
      'def test_sleep_no_args():',
      '    r.run_qemu(shell_script(["sleep"]))',
      "@test(20, 'it\\'s lazy', parent=test_lazy)",
      'def test_more(): pass',
      '@test(0, title="running usertests")',
      'def test_usertests(): pass',
      '@test(10)',
      '@other',
      'def test_answers_pgtbl(): pass',
      '#@test(1, "not one")',
      'test(1, "nor this")',
    ].join('\n');
    assert.deepEqual(gradeTests(script), [
      { title: 'sleep, no arguments', points: 5, line: 2 },
      { title: "it's lazy", points: 20, line: 5 },
      { title: 'running usertests', points: 0, line: 7 },
      { title: 'answers pgtbl', points: 10, line: 9 },
    ]);
  });

  it('are none of another file', () => {
    assert.deepEqual(gradeTests(''), []);
    assert.deepEqual(gradeTests('@test()\n@test(x, "y")\n'), []);
  });
});
