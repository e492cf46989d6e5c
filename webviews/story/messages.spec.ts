import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Story } from '../../debug-adapter/protocol';
import { isStory, readFromStory, readToStory } from './messages';

const story: Story = {
  stop: 3,
  title: 'panic: mappages: remap',
  lines: [
    {
      text: 'At vm.c:98 …',
      links: [{ from: 3, to: 10, target: { kind: 'place', path: '/lab/kernel/vm.c', line: 98 } }],
    },
  ],
  sections: [
    {
      about: 'entry',
      title: 'The entry of 0x3fffffd000',
      lines: [],
      walk: {
        ...{
          va: '0x3fffffd000',
          id: 'pid:1:kernel',
          table: 'pid 1 init, kpagetable',
          root: '0x87f73000',
          pa: '0x87fb7000',
        },
        steps: [
          {
            level: 2,
            index: 255,
            pteAddress: '0x87f737f8',
            pte: '0x21fdc801',
            flags: 'V - - - - - - -',
            meaning: 'next table',
          },
          { level: 1, index: 511, pteAddress: '0x87f72ff8', flags: '', meaning: 'outside RAM', decides: ['V'] },
        ],
      },
      events: [
        {
          ...{ what: 'written', instant: '12.0.1', hart: 0, ago: '731 µs ago', process: { pid: 1, name: 'init' } },
          places: [{ text: 'mappages at vm.c:100', function: 'mappages', path: '/lab/kernel/vm.c', line: 100 }],
        },
      ],
      past: 'told',
    },
  ],
  past: 'looking',
};
const section = story.sections[0]!;
const withSection = (more: object): object => ({ ...story, sections: [{ ...section, ...more }] });

describe('messages of the Stop view', () => {
  it('lets a story through as it is', () => {
    assert.deepEqual(readToStory({ type: 'story', story }), { type: 'story', story });
    assert.deepEqual(readToStory({ type: 'story' }), { type: 'story' });
    for (const type of ['running', 'ended']) assert.deepEqual(readToStory({ type }), { type });
    assert.deepEqual(readToStory({ type: 'failed', message: 'why' }), { type: 'failed', message: 'why' });
  });

  it('stops what no adapter would send', () => {
    const wrong: unknown[] = [
      ...[null, 7, [], { ...story, title: 5 }, { ...story, past: 'soon' }, { ...story, lines: [{ text: 'x' }] }],
      { ...story, lines: [{ text: 'x', links: [{ from: -1, to: 2, target: { kind: 'process', pid: 1 } }] }] },
      { ...story, lines: Array.from({ length: 2000 }, () => story.lines[0]) },
      ...[{ about: 'onload' }, { walk: {} }, { walk: { ...section.walk, steps: [{}] } }, { events: [{}] }].map(
        withSection,
      ),
      withSection({ events: [{ ...section.events![0], hart: 8 }] }),
      withSection({ events: [{ ...section.events![0], places: [{ text: {} }] }] }),
    ];
    for (const one of wrong) {
      assert.equal(isStory(one), false, JSON.stringify(one)?.slice(0, 200));
      if (one !== undefined) assert.equal(readToStory({ type: 'story', story: one }), undefined);
    }
  });

  it('lets nothing back but links of the page', () => {
    for (const target of [
      { kind: 'place', path: '/lab/kernel/vm.c', line: 98 },
      { kind: 'instant', instant: '12.0.1', hart: 1 },
      { kind: 'table', id: 'pid:1' },
      { kind: 'process', pid: 1 },
    ])
      assert.deepEqual(readFromStory({ type: 'follow', target }), { type: 'follow', target });
    assert.deepEqual(readFromStory({ type: 'ready' }), { type: 'ready' });
    for (const target of [
      {},
      { kind: 'command' },
      { kind: 'place', path: 7, line: 1 },
      { kind: 'instant' },
      { kind: 'process', pid: 'x' },
    ])
      assert.equal(readFromStory({ type: 'follow', target }), undefined);
  });

  it('throws for nothing', () => {
    fc.assert(
      fc.property(fc.anything(), (message) => {
        readToStory(message);
        readFromStory(message);
        readToStory({ type: 'story', story: message });
        readFromStory({ type: 'follow', target: message });
      }),
    );
  });
});
