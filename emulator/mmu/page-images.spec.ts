import assert from 'node:assert/strict';
import type { PageImage } from '../history/memory-image';
import { PAGE } from '../layout';
import { Random } from '../testing/random';
import { imageOfPage, ZERO_PAGE } from './page-images';

describe('the image of a page', () => {
  const WORDS = PAGE / 4;
  const memory = new Int32Array(3 * WORDS);
  const read = (image: { read(into: Uint8Array): void }): Uint8Array => {
    const bytes = new Uint8Array(PAGE).fill(0xee);
    image.read(bytes);
    return bytes;
  };
  const bytesOf = (page: number): Uint8Array => new Uint8Array(memory.buffer, page * PAGE, PAGE);

  it('is one where two pages hold the same, and is not changed by what they hold later', () => {
    const random = new Random(1);
    for (let i = 0; i < WORDS; i++) memory[i] = random.below(2 ** 32);
    memory.copyWithin(WORDS, 0, WORDS);
    const [one, other] = [imageOfPage(memory, 0), imageOfPage(memory, WORDS)];
    assert.equal(one, other);
    const before = bytesOf(0).slice();
    memory[WORDS - 1]! ^= 1;
    const changed = imageOfPage(memory, 0);
    assert.notEqual(changed, one);
    assert.deepEqual(read(one), before);
    assert.deepEqual(read(changed), bytesOf(0));
    assert.equal(imageOfPage(memory, WORDS), one);
  });

  it('holds what the page held, whatever that was', () => {
    const random = new Random(2);
    for (let round = 0; round < 200; round++) {
      const fill = random.below(256);
      bytesOf(0).fill(fill);
      for (let i = random.below(4); i > 0; i--) memory[random.below(WORDS)] = random.below(2 ** 32);
      assert.deepEqual(read(imageOfPage(memory, 0)), bytesOf(0));
    }
    bytesOf(0).fill(0);
    assert.equal(imageOfPage(memory, 0), ZERO_PAGE);
  });

  it('is small where most of the page is the same', () => {
    const random = new Random(3);
    for (const [words, most] of [
      [3, 400],
      [100, 1200],
      [256, 2500],
      [700, 5000],
    ] as const) {
      bytesOf(0).fill(random.below(256));
      for (let i = 0; i < words; i++) memory[random.below(WORDS)] = random.below(2 ** 32);
      const image = imageOfPage(memory, 0);
      assert.ok(image.bytes <= most, `${words} words: ${image.bytes} bytes`);
      assert.deepEqual(read(image), bytesOf(0));
      memory.copyWithin(WORDS, 0, WORDS);
      assert.equal(imageOfPage(memory, WORDS), image);
      memory[WORDS + random.below(WORDS)]! ^= 1;
      assert.notEqual(imageOfPage(memory, WORDS), image);
    }
  });

  it('is the same for a program that fills a memory with pages that hardly differ, when it does so again', () => {
    // malloc(10001) until there is no more, as in xv6's test of memory: a header and a link in most pages.
    const [PAGES, BLOCK] = [30_000, 10_032];
    const fill = (): PageImage[] =>
      Array.from({ length: PAGES }, (_, page) => {
        const at = page * BLOCK + 0x8350;
        const first = ((at % PAGE) >> 3) << 1;
        bytesOf(0).fill(0);
        memory[(first + 6) % WORDS] = at - BLOCK;
        memory[(first + 8) % WORDS] = 0x273;
        if (page % 2 > 0) memory[(first + 4) % WORDS] = at & -PAGE;
        return imageOfPage(memory, 0);
      });
    const images = fill();
    const same = fill().filter((image, page) => image === images[page]).length;
    assert.ok(same > 0.99 * PAGES, `${same} of ${PAGES}`);
    assert.equal(new Set(images).size, PAGES);
  });

  it('is one for all free pages that lead to the same next one', () => {
    const freeAll = (): PageImage[] =>
      [0, 1, 2].map((page) => {
        bytesOf(page).fill(1);
        memory[page * WORDS] = 0x8700_0000 + (page + 1) * PAGE;
        memory[page * WORDS + 1] = 0;
        return imageOfPage(memory, page * WORDS);
      });
    const images = freeAll();
    memory.fill(5);
    assert.deepEqual(
      freeAll().map((image, page) => image === images[page]),
      [true, true, true],
    );
    assert.equal(new Set(images).size, 3);
    assert.deepEqual(read(images[1]!), bytesOf(1));
  });
});
