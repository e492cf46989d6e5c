import { strict as assert } from 'node:assert';
import { SavedState } from '../../../emulator/history/saved-state';
import { DueTables } from './due-tables';

const [SH, ROOT] = [0x8001_0000n, 0x8700_0000n];

describe('tables that are due', () => {
  it('are new ones, and those of whoever has called the allocator since', () => {
    const due = new DueTables();
    assert.equal(due.returns(SH, ROOT), true);
    due.done(SH, ROOT, 10);
    assert.equal(due.returns(SH, ROOT), false, 'nothing was allocated');
    due.changed(SH);
    assert.equal(due.returns(SH, ROOT), true);
    due.done(SH, ROOT, 10);
    assert.equal(due.returns(SH, ROOT + 0x1000n), true, 'another table');
  });

  it('of a large program wait for some returns', () => {
    const due = new DueTables();
    due.done(SH, ROOT, 200);
    due.changed(SH);
    assert.deepEqual(
      Array.from({ length: 4 }, () => due.returns(SH, ROOT)),
      [false, false, false, true],
    );
  });

  it('are saved and restored', () => {
    const due = new DueTables();
    due.done(SH, ROOT, 64);
    due.changed(SH);
    const saved = new SavedState('due', { due: due.save() }).records('due');
    assert.deepEqual([due.returns(SH, ROOT), due.returns(SH, ROOT)], [false, true]);
    due.done(SH, ROOT, 64);
    due.restore(saved);
    assert.deepEqual([due.returns(SH, ROOT), due.returns(SH, ROOT)], [false, true]);
    assert.throws(() => due.restore([new SavedState('due', { thread: 1, root: 0n, leaves: 0, wait: null })]), /thread/);
    due.clear();
    assert.equal(due.returns(SH, ROOT), true);
  });
});
