import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fingerprint, isRestartOf, sharesImage } from './one-machine';

describe('one machine for one disk image', () => {
  it('knows two that would write to the same image', () => {
    const lab = { name: 'lab', kernel: '/lab/kernel', disk: '/lab/fs.img' };
    assert.ok(sharesImage(lab, { name: 'other', kernel: '/other/kernel', disk: '/lab/fs.img' }));
    assert.ok(!sharesImage(lab, { ...lab, disk: '/lab/copy.img' }));
    assert.ok(!sharesImage(lab, { name: 'lab', kernel: '/lab/kernel' }));
    assert.ok(!sharesImage({ name: 'lab', kernel: '/lab/kernel' }, lab));
    assert.ok(sharesImage({ name: 'a', kernel: '/lab/kernel' }, { name: 'b', kernel: '/lab/kernel' }));
    assert.ok(!sharesImage({ name: 'a', kernel: '/lab/kernel' }, { name: 'b', kernel: '/lab/old' }));
    const recorded = { name: 'run.xv6run', recording: '/lab/run.xv6run' };
    assert.ok(!sharesImage(recorded, recorded));
    assert.ok(!sharesImage(recorded, { name: 'sample' }));
    assert.ok(!sharesImage({ name: 'sample' }, recorded));
    assert.ok(sharesImage({ name: 'sample' }, { name: 'sample' }));
  });

  it('takes for a restart what has the name of a session and says something new', () => {
    const given = { type: 'xv6', name: 'lab', harts: 3 };
    const running = { name: 'lab', __given: fingerprint(given) };
    const started = (again: { name: string }) =>
      isRestartOf(running, { name: again.name, __given: fingerprint(again) });
    assert.equal(started({ ...given, harts: 1 } as { name: string }), true);
    assert.equal(started(given), false);
    assert.equal(started({ ...given, noDebug: true } as { name: string }), false);
    assert.equal(started({ ...given, name: 'another' }), false);
  });

  it('marks a configuration with nothing that VS Code would replace', () => {
    assert.match(fingerprint({ cwd: '${workspaceFolder}/${input:lab}' }), /^[\da-f]{64}$/);
  });
});
