import assert from 'node:assert/strict';
import { ScriptRun, parseScript } from './script';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (typed: Uint8Array): string => new TextDecoder().decode(typed);

describe('scripts', () => {
  it('are lines of expect and send, with comments between', () => {
    assert.deepEqual(parseScript('# boot\nexpect $ \r\n\nsend ls\n', 's'), [
      { kind: 'expect', text: '$ ', line: 2 },
      { kind: 'send', text: 'ls\n', line: 4 },
    ]);
  });

  it('type Enter behind what they send, unless it ends in a control character or \\c', () => {
    const typed = (source: string): string => parseScript(`send ${source}`, 's')[0]!.text;
    assert.equal(typed('ls'), 'ls\n');
    assert.equal(typed('ls\\n'), 'ls\n');
    assert.equal(typed('\\x10'), '\x10');
    assert.equal(typed('abc\\c'), 'abc');
    assert.equal(typed('a\\\\c'), 'a\\c\n');
    assert.equal(typed('\\x41'), 'A\n');
    assert.equal(typed(''), '\n');
  });

  it('are refused with the line that is wrong', () => {
    assert.throws(() => parseScript('expect a\nwait b', 'boot.txt'), /boot.txt:2: "wait b"/);
    assert.throws(() => parseScript('expect', 's'), /s:1: expect needs a text/);
    assert.throws(() => parseScript('send \\q', 's'), /s:1: \\q is no escape/);
    assert.throws(() => parseScript('# nothing\n', 's'), /no command/);
  });

  it('wait, type, and look on behind what was found', () => {
    const run = new ScriptRun(parseScript('expect $ \nsend a\nexpect $ \nsend b\nexpect x', 's'));
    assert.equal(text(run.advance()), '');
    run.output(bytes('boot\n$'));
    assert.equal(text(run.advance()), '');
    run.output(bytes(' '));
    assert.equal(text(run.advance()), 'a\n');
    assert.equal(text(run.advance()), '', 'the same prompt is not found twice');
    run.output(bytes('a\nx\n$ '));
    assert.equal(text(run.advance()), 'b\n');
    assert.equal(run.done, false);
    assert.equal(run.waitingFor?.line, 5);
    run.output(bytes('x'));
    run.advance();
    assert.equal(run.done, true);
  });

  it('find a text that comes byte by byte among much else', () => {
    const run = new ScriptRun(parseScript('expect grüße', 's'));
    for (const byte of bytes('gr grü'.repeat(100) + 'grüße')) {
      run.output(Uint8Array.of(byte));
      run.advance();
    }
    assert.equal(run.done, true);
  });
});
