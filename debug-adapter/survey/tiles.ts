/**
 * What is known of a run, at the scales at which it has been looked at. Time is divided into buckets of a power of two, and
 * buckets into tiles that are read, kept and forgotten together. The past does not change, so what has been read once stays
 * true; only the last tile of a scale grows with the run. Two tiles give one of the next scale.
 */
import { Happened } from './happened';

/** Buckets of a tile. */
export const BUCKETS = 128;
/** Tiles kept, those that were used last. */
const MOST_TILES = 96;

export class Tile {
  readonly buckets: (Happened | undefined)[] = [];
  /** Up to here it has been read: virtual time in instructions. */
  read: number;

  /** `scale`: a bucket is two to that many instructions long. */
  constructor(
    readonly scale: number,
    readonly index: number,
  ) {
    this.read = this.start;
  }

  get bucket(): number {
    return 2 ** this.scale;
  }
  get start(): number {
    return this.index * this.bucket * BUCKETS;
  }
  get end(): number {
    return this.start + this.bucket * BUCKETS;
  }

  /** Where the bucket of a time ends. */
  bucketEnd(time: number): number {
    return (Math.floor(time / this.bucket) + 1) * this.bucket;
  }

  /** Adds what happened from `read` up to a time, all of it in one bucket. */
  add(happened: Happened, to: number): void {
    this.put(Math.floor((this.read - this.start) / this.bucket), happened);
    this.read = to;
  }

  /** From the two of the scale below. */
  static of([first, second]: readonly [Tile, Tile]): Tile {
    const tile = new Tile(first.scale + 1, first.index / 2);
    for (const [at, half] of [first, second].entries()) {
      half.buckets.forEach((happened, index) => {
        if (happened) tile.put((at * BUCKETS) / 2 + (index >> 1), happened);
      });
    }
    tile.read = second.read > second.start ? second.read : first.read;
    return tile;
  }

  private put(index: number, happened: Happened): void {
    const there = this.buckets[index];
    if (there) {
      there.add(happened);
      return;
    }
    const copy = new Happened(happened.spent.length);
    copy.add(happened);
    this.buckets[index] = copy;
  }
}

export class Tiles {
  /** By scale and index, those used last at the end. */
  private readonly tiles = new Map<string, Tile>();

  /** The tiles of a scale that have a part of a stretch of time, in order; new ones have nothing yet. */
  over(scale: number, from: number, to: number): Tile[] {
    const length = 2 ** scale * BUCKETS;
    const found: Tile[] = [];
    for (let index = Math.floor(from / length); index * length < to; index++) found.push(this.tile(scale, index));
    while (this.tiles.size > MOST_TILES) this.tiles.delete(this.tiles.keys().next().value!);
    return found;
  }

  /** What lies after a time is no longer so. */
  forgetAfter(time: number): void {
    for (const [key, { read }] of this.tiles) if (read > time) this.tiles.delete(key);
  }

  private tile(scale: number, index: number): Tile {
    const key = `${scale}:${index}`;
    const known = this.tiles.get(key);
    const halves = this.halves(scale, index);
    const tile = halves && halves[1].read > (known?.read ?? 0) ? Tile.of(halves) : (known ?? new Tile(scale, index));
    this.tiles.delete(key);
    this.tiles.set(key, tile);
    return tile;
  }

  /** The two tiles of the scale below, if the first has been read to its end. */
  private halves(scale: number, index: number): readonly [Tile, Tile] | undefined {
    const first = this.tiles.get(`${scale - 1}:${index * 2}`);
    if (first === undefined || first.read < first.end) return undefined;
    return [first, this.tiles.get(`${scale - 1}:${index * 2 + 1}`) ?? new Tile(scale - 1, index * 2 + 1)];
  }
}
