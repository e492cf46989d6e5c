import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { Keyboard } from './keyboard';

function setUp() {
  const sent: string[] = [];
  const state = { now: 0 };
  const keyboard = new Keyboard(
    (bytes) => sent.push(new TextDecoder().decode(bytes)),
    () => state.now,
  );
  return { sent, state, keyboard };
}

describe('the keyboard', () => {
  it('sends what is typed at once', () => {
    const { sent, keyboard } = setUp();
    keyboard.type('l');
    keyboard.type('s\r');
    assert.deepEqual(sent, ['l', 's\r']);
  });

  it('sends a paste line by line, each when the guest rests', () => {
    const { sent, keyboard } = setUp();
    const lines = Array.from({ length: 5 }, (_, index) => `echo line ${index}\r`);
    keyboard.type(lines.join(''));
    assert.equal(keyboard.feed(0), true, 'the first line need not wait');
    assert.equal(keyboard.feed(0), false);
    assert.equal(keyboard.feed(1), false, 'a wait for the disk is no rest');
    while (keyboard.feed(50));
    assert.deepEqual(sent, lines);
  });

  it('does not wait for ever on a guest that never rests', () => {
    const { sent, state, keyboard } = setUp();
    keyboard.type('first line of two\rsecond line of two\r');
    keyboard.feed(0);
    state.now = 2_900_000;
    assert.equal(keyboard.feed(0), false);
    state.now = 3_000_000;
    assert.equal(keyboard.feed(0), true);
    assert.equal(sent.length, 2);
  });

  it('keeps the order when something is typed after a paste, and loses nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'é', ' ', '\r', '\n', '\x03'), maxLength: 300 })),
        (texts) => {
          const { sent, keyboard } = setUp();
          for (const text of texts) keyboard.type(text);
          while (keyboard.feed(1000));
          assert.equal(sent.join(''), texts.join(''));
        },
      ),
    );
  });
});
