/** The runner for desktop VS Code, with a program in its place that notes how it is called. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './run.mjs';

describe('npm run test:electron', function () {
  let folder: string;
  let program: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'xv6-desktop-'));
    program = join(folder, 'code');
    const lines = [
      '#!/bin/sh',
      'printf "%s\\n" "$@" > "$NOTES"',
      // The lab and the suite must be there when VS Code starts.
      'for word; do case "$word" in */xv6-sample) cat "$word/kernel/main.c" ;; esac; done > "$NOTES.main"',
      'for word; do case "$word" in --extensionTestsPath=*) ls "$(dirname "${word#*=}")" ;; esac; done > "$NOTES.suite"',
      'exit "$STATUS"',
    ];
    writeFileSync(program, `${lines.join('\n')}\n`, { mode: 0o755 });
  });
  after(() => rmSync(folder, { recursive: true }));

  function runWith(status: number) {
    const notes = join(folder, 'notes');
    const env = { ...process.env, VSCODE: program, DISPLAY: ':0', NOTES: notes, STATUS: String(status) };
    const { status: ended, stdout, stderr } = spawnSync('node', [join(root, 'scripts', 'test-electron.mjs')], { env });
    const note = (name: string): string => readFileSync(`${notes}${name}`, 'utf8');
    return {
      ended,
      output: `${stdout}${stderr}`,
      words: note('').split('\n'),
      main: note('.main'),
      suite: note('.suite'),
    };
  }

  it('runs the suite in the VS Code that is named, with this extension and a lab', () => {
    const { ended, output, words, main, suite } = runWith(0);
    assert.equal(ended, 0, output);
    assert.ok(words.includes(`--extensionDevelopmentPath=${root}`), words.join('\n'));
    assert.match(main, /void main\(/);
    assert.match(suite, /^breakpoints\.test\.js\nextension\.test\.js\nindex\.js$/m);
  });

  it('fails if the suite does, and does not try another VS Code', () => {
    const { ended, output } = runWith(1);
    assert.equal(ended, 1);
    assert.doesNotMatch(output, /code-server/);
  });
});
