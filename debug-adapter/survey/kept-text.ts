/**
 * The end of a text that only grows, such as the output of a guest. It is kept in pieces, which saved states have in common: there are
 * thousands of them in a long session.
 */
import type { SavedState } from '../../emulator/history/saved-state';
import type { State } from '../../emulator/types';

/** Characters from which on a piece is complete. */
const PIECE = 4096;

/** An object, as those are what saved states share. */
type Piece = Record<'text', string>;

export class KeptText {
  private pieces: Piece[] = [];
  /** What comes after the pieces. */
  private rest = '';

  /** `most`: characters that are kept at least; up to a piece more. */
  constructor(private readonly most: number) {}

  toString(): string {
    return this.pieces.map(({ text }) => text).join('') + this.rest;
  }

  add(text: string): void {
    this.rest += text;
    if (this.rest.length < PIECE) return;
    this.pieces.push({ text: this.rest });
    this.rest = '';
    let kept = this.pieces.reduce((sum, piece) => sum + piece.text.length, 0);
    for (let [first] = this.pieces; kept - first!.text.length >= this.most; [first] = this.pieces) {
      kept -= first!.text.length;
      this.pieces.shift();
    }
  }

  /** With what has been added to it meanwhile. */
  save(added = ''): Record<string, State> {
    return { pieces: [...this.pieces], rest: this.rest + added };
  }

  /** Throws an Error, and changes nothing, if these are not the fields that `save` made. */
  restore(saved: SavedState): void {
    const rest = saved.text('rest') ?? '';
    saved.records('pieces').forEach((piece) => piece.text('text'));
    this.pieces = [...saved.list('pieces')] as Piece[];
    this.rest = '';
    this.add(rest);
  }
}

/** What a text that `save` has saved has after its last line that is complete. */
export function incompleteLine(saved: SavedState): string {
  const kept = new KeptText(Infinity);
  kept.restore(saved);
  const text = kept.toString();
  return text.slice(text.lastIndexOf('\n') + 1);
}
