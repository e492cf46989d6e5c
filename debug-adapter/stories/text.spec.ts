/** What is said first of a story, and the story as text: what is said only under a condition, where that holds and where it does not. */
import assert from 'node:assert/strict';
import { Phase } from '../../emulator/history/instant';
import { R } from '../../emulator/testing/guests';
import type { Story, StoryEvent, StorySection, StoryStep } from '../protocol';
import { PAGE, SmallKernel } from '../testing/small-kernel';
import { KERNEL_PAGETABLE } from '../testing/xv6-kernel';
import type { BackstoryLine } from './backstory';
import type { Happened } from './happened';
import { nameOf, StopStory } from './stop-story';
import { storyLead, storyText } from './text';

const instant = { inputs: 0, time: 0, phase: Phase.arrived };
const happened = (kind: Happened['kind'], tick: number): Happened => ({
  ...{ kind, what: kind, instant, tick, hart: undefined, process: undefined, places: [] },
});

type Lines = Pick<BackstoryLine, 'about' | 'text' | 'seen'>[];

/** At an exception of the kernel. `life`: what has happened to the page that matters, which is the root in satp or another. */
function told(lines: Lines, life: readonly Happened['kind'][] = [], isRoot = false): Story {
  const kernel = new SmallKernel(
    (code) => {
      // From here on the table in satp is nobody's.
      if (isRoot) code.li(R.t0, KERNEL_PAGETABLE).li(R.t1, PAGE).op('sd', { rs1: R.t0, rs2: R.t1 });
      code.li(R.a0, 0x1_0000_0000n).op('ld', { rd: R.a1, rs1: R.a0 });
    },
    { isPaged: isRoot },
  );
  const report = { hart: 0, reason: 'exception', cause: { kind: 'trap', event: kernel.untilTrap() } } as const;
  const words = { pathOf: (path: string) => path, duration: (ticks: number) => `${ticks} ticks` };
  const story = StopStory.of(kernel.guest, words, { number: 1, title: 'a stop', report, stack: [] })!;
  const page = isRoot ? BigInt(kernel.kernel) : PAGE;
  story.add({ lines, entries: [], pages: [{ page, isReused: life.length > 2 }] });
  const findings = { found: life.map(happened), isDone: true, isComplete: false, isPartial: false };
  const name = nameOf({ kind: 'page', page, isReused: true });
  return story.told('told', new Map([[name, findings]]));
}

const lead = (...of: Parameters<typeof told>): string => storyLead(told(...of));
const LOADED: Lines[number] = { about: 'loaded', text: 'It was loaded from there.' };
const OVERWRITTEN: Lines[number] = { about: 'overwritten', text: 'It was written by somebody.' };

describe('what is said first of a stop', () => {
  it('is where an address lay if that page was freed, and not if somebody has it, nor of a table', () => {
    assert.match(
      lead([LOADED], ['allocated', 'freed']),
      /^It was loaded from there\.\nThe page at PA 0x80040000 was freed/m,
    );
    assert.doesNotMatch(lead([LOADED], ['freed', 'allocated']), /loaded|freed/);
    assert.match(lead([LOADED], ['allocated', 'freed'], true), /^The page at PA 0x80020000 was freed/m);
    assert.doesNotMatch(lead([LOADED], ['allocated', 'freed'], true), /loaded/);
  });

  it('is who wrote there, but not where two have the page, and may write into it', () => {
    assert.match(lead([LOADED, OVERWRITTEN], ['allocated', 'freed']), /^It was written by somebody\.$/m);
    const two = lead([LOADED, OVERWRITTEN], ['freed', 'freed', 'allocated', 'allocated']);
    assert.match(two, /: two have it now$/m);
    assert.doesNotMatch(two, /somebody/);
    assert.doesNotMatch(lead([OVERWRITTEN], ['allocated', 'freed']), /loaded/);
  });

  it('is that a table is in force which is nobody’s', () => {
    const nobodys = /^satp holds the table at 0x80020000, which is neither kernel_pagetable nor a process’s\.$/m;
    assert.match(lead([], [], true), nobodys);
    assert.doesNotMatch(lead([]), nobodys);
  });

  it('has how long ago something was, or how much later', () => {
    const at = (tick: number): string => {
      const seen = { instant, tick, hart: 0, what: '', place: undefined, process: undefined, parts: [] };
      return lead([{ about: 'handler', text: 'The handler did this.', seen }]);
    };
    assert.match(at(-5), /^The handler did this, \d+ ticks ago$/m);
    assert.match(at(1e6), /^The handler did this, \d+ ticks later$/m);
  });

  it('is not said again in what led here', () => {
    const twice = (lines: Lines): number =>
      storyText(told(lines, ['allocated', 'freed'])).split(LOADED.text).length - 1;
    assert.equal(twice([LOADED]), 1);
    assert.match(storyText(told([LOADED], ['freed', 'allocated'])), /\nWhat led here\n {2}It was loaded from there\./);
  });
});

describe('a story as text', () => {
  const story = (more: Partial<Story>): Story => ({
    stop: 1,
    title: 'a stop',
    lines: [],
    sections: [],
    past: 'told',
    ...more,
  });
  const section = (more: Partial<StorySection>): string =>
    storyText(story({ sections: [{ about: 'entry', title: 'An entry', lines: [], past: 'told', ...more }] }));

  it('says that the past has not been looked through, unless it has', () => {
    const unfinished = /The past has not been looked through to its end\.$/;
    for (const past of ['looking', 'given up', 'not asked'] as const)
      assert.match(storyText(story({ past })), unfinished);
    assert.doesNotMatch(storyText(story({})), unfinished);
  });

  it('says which entry of a walk decides, by which bits, and what is no memory', () => {
    const step = (more: Partial<StoryStep>): string => {
      const whole = { level: 0, index: 4, pteAddress: '0x8', flags: 'V R', meaning: 'a page', ...more };
      return section({ walk: { va: '0x4000', id: '', table: '', root: '', steps: [whole] } });
    };
    assert.match(step({ pte: '0x20' }), /\n {2}level 0 \[4\] 0x20 V R: a page$/);
    assert.match(step({ pte: '0x20', decides: [] }), /: a page {2}← decides$/);
    assert.match(step({ pte: '0x20', decides: ['W', 'U'] }), /: a page {2}← decides \(W, U\)$/);
    assert.match(step({}), / \(not in RAM\) V R: /);
  });

  it('says who did something and where, as far as that is known', () => {
    const event = (more: Partial<StoryEvent>): string =>
      section({ events: [{ what: 'freed', instant: '0', ago: '5 ms ago', places: [], ...more }] })
        .split('\n')
        .at(-1)!;
    assert.equal(event({}), '  5 ms ago: freed');
    assert.equal(event({ hart: 1 }), '  5 ms ago: freed (hart 1)');
    assert.equal(event({ process: { pid: 3, name: 'sh' }, hart: 1 }), '  5 ms ago: freed (pid 3 sh, hart 1)');
    const places = ['kfree', 'uvmunmap', 'uvmfree', 'freeproc', 'wait'].map((text) => ({ text, function: text }));
    assert.equal(event({ places }), '  5 ms ago: freed by kfree < uvmunmap < uvmfree < freeproc');
  });
});
