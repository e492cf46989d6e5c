/**
 * What was once found out about a program and stays true: how a text parses at a place, which variable a name means there.
 * A condition on a hot line is asked thousands of times a second.
 */
import type { Binary } from '../symbols/api';

/** Of one sort and program; then all is forgotten, and found out again where it is asked for. */
const MOST = 4096;

export class Memo<T> {
  private readonly known = new WeakMap<Binary, Map<string, T>>();

  /** The answer for a key: the one known, or the one that `find` gives. What it throws is not kept. */
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
