import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { memoryImage, type MemoryImage, type PageImage } from './memory-image';

const PAGES = 200;
const page = (): PageImage => ({ bytes: 4096, read: () => undefined });

describe('an image of memory', () => {
  it('shares the parts in which nothing has changed', () => {
    const pages = Array.from({ length: PAGES }, page);
    const before = memoryImage(PAGES, undefined, (index) => pages[index]!);
    const changed = page();
    const image = memoryImage(PAGES, before, (index) => (index === 70 ? changed : pages[index]!));
    assert.deepEqual(
      image.map((part, index) => part === before[index]),
      [true, false, true, true],
    );
    assert.equal(image[1]!.page(6), changed);
    assert.equal(image[1]!.page(7), pages[71]);
  });

  it('does not keep those that were before it', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const gone: WeakRef<MemoryImage>[] = [];
    let image: MemoryImage | undefined;
    for (let count = 0; count < 5; count++) {
      image = memoryImage(PAGES, image, page);
      if (count < 4) gone.push(new WeakRef(image));
    }
    // What has been looked at lives on until the task is over.
    await setImmediate();
    collect();
    assert.deepEqual(
      gone.map((one) => one.deref()),
      [undefined, undefined, undefined, undefined],
    );
    assert.equal(image!.length, 4);
  });
});
