/**
 * Remembers facts about a program that cannot change: how a text parses at a pc, which variable a name means there. A
 * condition on a hot line is evaluated thousands of times a second.
 */
import type { Binary } from '../symbols/api';

/** Entries of a memo for one program; when it is full it starts empty again. */
const MOST = 4096;

export class Memo<T> {
  private readonly known = new WeakMap<Binary, Map<string, T>>();

  /** Returns the value known for a key, or the result of `find`, which it keeps unless `find` throws. */
  of(binary: Binary, key: string, find: () => T): T {
    let known = this.known.get(binary);
    if (!known) this.known.set(binary, (known = new Map<string, T>()));
    const before = known.get(key);
    if (before !== undefined || known.has(key)) return before as T;
    const found = find();
    if (known.size >= MOST) known.clear();
    known.set(key, found);
    return found;
  }
}
