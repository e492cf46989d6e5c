/**
 * What happened in a run, to be drawn as a timeline. Nothing is recorded for it: whatever stretch of time is looked at is done
 * again on a scout, in short turns while the machine stands, and kept at the scale at which it was looked at. Of a stretch
 * that would take too long, what the harts did at the checkpoints in it is told: a sample.
 */
import type { Kept } from '../../emulator/history/checkpoints';
import type { Instant } from '../../emulator/history/instant';
import { Cancelled, type JourneyClock, type Timeline } from '../../emulator/history/timeline';
import type { LoggedInput, MachineApi } from '../../emulator/types';
import type { Binary } from '../symbols/api';
import { openXv6 } from '../xv6/kernel';
import { Axis } from './axis';
import { FrameWatch } from './frame-watch';
import { Happened } from './happened';
import { HartStates } from './hart-watch';
import { LineWatch } from './line-watch';
import { RunWatch } from './run-watch';
import { Scout } from './scout';
import { Tiles, type Tile } from './tiles';

/** Milliseconds that the run took the first time, of a stretch that is read, at most; it takes about twice that again. */
const LONGEST = 60_000;
/** Of one of which samples are told first, since that is much sooner done. */
const LONG = 1000;
/** Samples of one look, and of all that are kept. */
const SAMPLES = 100;
const KEPT_SAMPLES = 2000;
/** Instructions in which a line is printed that has begun, in steps. */
const LINE_STEP = 1_000_000;
const LINE_STEPS = 50;
/** Milliseconds between two reports of how far it has come. */
const REPORTS = 200;

export interface SurveyParts {
  readonly machine: MachineApi;
  readonly timeline: Timeline;
  readonly binary: Binary;
  readonly clock: JourneyClock;
  /** The machine stands, and nobody waits for it to go anywhere. */
  readonly isFree: () => boolean;
  /** Another machine of the same options, which writes nothing to the host; `output` is what its guest prints. */
  readonly scout: (output: (bytes: Uint8Array) => void, frames: (frame: Uint8Array) => void) => MachineApi;
}

/** What is looked at: virtual time in instructions, in at most so many columns. */
export interface Look {
  readonly from: number;
  readonly to: number;
  readonly columns: number;
}

/** A bucket of time, and what happened in it. */
export interface Column {
  readonly from: number;
  readonly to: number;
  readonly happened: Happened;
}

/** What is known of a stretch of time. */
export interface Seen {
  readonly axis: Axis;
  readonly from: number;
  readonly to: number;
  /** Instructions of a column. */
  readonly bucket: number;
  readonly columns: readonly Column[];
  /** The stretches that have been read. */
  readonly read: readonly { from: number; to: number }[];
  /** The states of all harts at some moments, where nothing has been read. */
  readonly samples: readonly { time: number; states: readonly number[] }[];
  /** It would take too long to read the rest. */
  readonly isLong: boolean;
}

/** What there is to be done for a look. */
interface Plan {
  readonly axis: Axis;
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  readonly tiles: readonly Tile[];
  /** See `costOf`. */
  readonly cost: number;
  readonly samples: readonly Kept[];
}

export class Survey {
  readonly states = new HartStates();
  private axis: Axis | undefined;
  private tiles = new Tiles();
  private samples = new Map<number, readonly number[]>();
  private scout: { scout: Scout; watch: RunWatch } | undefined;
  /** What is being read; another look takes its place. */
  private look: Look | undefined;
  private isReading = false;
  private reported = 0;

  /** `progressed`: more is known than before. */
  constructor(
    private readonly parts: SurveyParts,
    private readonly progressed: () => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Something is being read. */
  get reading(): boolean {
    return this.isReading;
  }

  /** What is known of a stretch of time. */
  see(look: Look): Seen {
    const plan = this.planFor(look);
    const { axis, tiles, from, to, scale } = plan;
    const read: { from: number; to: number }[] = [];
    const columns: Column[] = [];
    for (const tile of tiles) {
      const last = read.at(-1);
      if (last?.to === tile.start) last.to = tile.read;
      else read.push({ from: tile.start, to: tile.read });
      tile.buckets.forEach((happened, index) => {
        const start = tile.start + index * tile.bucket;
        const end = Math.min(start + tile.bucket, tile.read);
        if (happened && end > from && start < to) columns.push({ from: start, to: end, happened });
      });
    }
    const isRead = (time: number): boolean => read.some((one) => time >= one.from && time < one.to);
    return {
      ...{ axis, from, to, bucket: 2 ** scale, columns },
      read: read.filter((one) => one.to > one.from),
      samples: [...this.samples]
        .filter(([time]) => time >= from && time < to && !isRead(time))
        .map(([time, states]) => ({ time, states })),
      isLong: plan.cost > LONGEST,
    };
  }

  /** Reads what is not known yet of a stretch of time, in place of what is being read. */
  read(look: Look): void {
    const { look: other } = this;
    if (other?.from === look.from && other.to === look.to && other.columns === look.columns) return;
    if (!this.parts.isFree() || isDone(this.planFor(look))) return;
    this.look = look;
    this.scout?.scout.cancel();
    if (!this.isReading) void this.work();
  }

  /** Reads no more. `isDone`: and will not soon, so the scout may go. */
  stop(isDone = false): void {
    this.look = undefined;
    this.scout?.scout.cancel();
    if (isDone) this.scout = undefined;
  }

  /** The run has another future from a time on. */
  branched(): void {
    this.stop();
    this.scout?.scout.lose();
    const { instant } = this.parts.machine;
    const { time } = instant;
    if (this.axis?.has(instant) !== true) this.forget();
    this.tiles.forgetAfter(time);
    for (const at of this.samples.keys()) if (at > time) this.samples.delete(at);
  }

  /** The instant at a time in instructions since power on. */
  instantAt(time: number): Instant {
    return this.currentAxis().at(time);
  }

  /** All inputs up to the present. */
  private get inputs(): readonly LoggedInput[] {
    const { machine, timeline } = this.parts;
    return machine.inputs.through(timeline.present.inputs);
  }

  private currentAxis(): Axis {
    const { machine, timeline } = this.parts;
    const { beginning, present } = timeline;
    const axis = new Axis(beginning, present, this.inputs, machine.instant);
    if (axis.start.inputs !== this.axis?.start.inputs) this.forget();
    return (this.axis = axis);
  }

  private forget(): void {
    this.tiles = new Tiles();
    this.samples = new Map();
  }

  private async work(): Promise<void> {
    this.isReading = true;
    // Whoever has asked is told first what is known.
    await new Promise<void>((resolve) => this.parts.clock.soon(resolve));
    while (this.look !== undefined) {
      const { look } = this;
      try {
        await this.readAll(look);
        if (this.look === look) this.look = undefined;
      } catch (error) {
        if (error instanceof Cancelled && this.parts.isFree()) continue;
        this.look = undefined;
        if (!(error instanceof Cancelled)) this.failed(error);
      }
    }
    this.isReading = false;
    this.progressed();
  }

  private async readAll(look: Look): Promise<void> {
    const plan = this.planFor(look);
    const { scout, watch } = (this.scout ??= this.newScout());
    scout.begin();
    await this.sample(scout, watch, plan.samples);
    if (plan.cost > LONGEST) return;
    const tiles = plan.cost > LONG ? fromHere(plan.tiles, this.parts.machine.instant.time) : plan.tiles;
    for (const [index, tile] of tiles.entries()) {
      if (!(await this.readTile(scout, watch, plan, tile))) continue;
      if (tiles[index + 1]?.start !== tile.end) await this.finishLine(scout, watch, plan.axis, tile.read);
    }
  }

  private planFor(look: Look): Plan {
    const axis = this.currentAxis();
    const [from, to] = [Math.max(look.from, axis.start.time), Math.min(look.to, axis.end.time)];
    const scale = scaleOf(from, to, look.columns);
    const tiles = this.tiles.over(scale, from, to);
    const cost = this.costOf(axis, tiles);
    return { ...{ axis, from, to, scale, tiles, cost }, samples: cost > LONG ? this.samplesIn(axis, tiles) : [] };
  }

  /** What is left to be read of a tile, bucket by bucket: what is given up in the middle of one is not kept. False if there is nothing left. */
  private async readTile(scout: Scout, watch: RunWatch, { axis }: Plan, tile: Tile): Promise<boolean> {
    const end = endOf(tile, axis);
    if (tile.read >= end) return false;
    await scout.goTo(axis.at(tile.read), this.inputs);
    const unwatch = watch.watch();
    try {
      while (tile.read < end) {
        const to = Math.min(tile.bucketEnd(tile.read), end);
        const happened = new Happened(this.parts.machine.harts.length);
        await scout.runTo(axis.at(to), (stop) => watch.passed(stop, happened));
        watch.upTo(happened);
        tile.add(happened, to);
        this.report();
      }
      return true;
    } finally {
      unwatch();
    }
  }

  /** What a line says that has begun is known a little later. */
  private async finishLine(scout: Scout, watch: RunWatch, axis: Axis, from: number): Promise<void> {
    for (let step = 1; step <= LINE_STEPS && watch.hasUnfinishedLine; step++) {
      const to = axis.at(from + step * LINE_STEP);
      await scout.runTo(to, () => undefined);
      if (to === axis.end) return;
    }
  }

  private async sample(scout: Scout, watch: RunWatch, samples: readonly Kept[]): Promise<void> {
    for (const kept of samples) {
      await scout.rest();
      scout.restore(kept);
      this.samples.set(kept.machine.instant.time, watch.states);
      if (this.samples.size > KEPT_SAMPLES) this.samples.delete(this.samples.keys().next().value!);
      this.report();
    }
  }

  /** Checkpoints in what has not been read of tiles, of which there is no sample yet. */
  private samplesIn(axis: Axis, tiles: readonly Tile[]): Kept[] {
    const { timeline } = this.parts;
    const kept = tiles.flatMap((tile) =>
      tile.read < endOf(tile, axis) ? timeline.checkpoints.between(axis.at(tile.read), axis.at(tile.end)) : [],
    );
    const every = Math.max(1, Math.ceil(kept.length / SAMPLES));
    return kept.filter(({ machine }, index) => index % every === 0 && !this.samples.has(machine.instant.time));
  }

  private newScout(): { scout: Scout; watch: RunWatch } {
    const { timeline, clock, binary, isFree } = this.parts;
    const lines = new LineWatch();
    const frames = new FrameWatch();
    const machine = this.parts.scout(
      (bytes) => lines.wrote(bytes),
      (frame) => frames.wrote(frame),
    );
    const xv6 = openXv6(binary, (address, length) => machine.memory.read(address, length));
    return {
      scout: new Scout(machine, timeline, clock, isFree, lines),
      watch: new RunWatch(machine, xv6, this.states, lines, frames),
    };
  }

  private report(): void {
    const now = this.parts.clock.now();
    if (now - this.reported < REPORTS) return;
    this.reported = now;
    this.progressed();
  }

  /** About how many milliseconds the first run took through what is not read of these tiles. */
  private costOf(axis: Axis, tiles: readonly Tile[]): number {
    let cost = 0;
    for (const tile of tiles) {
      const end = endOf(tile, axis);
      if (tile.read < end) cost += this.costAt(axis, end) - this.costAt(axis, tile.read);
    }
    return cost;
  }

  private costAt(axis: Axis, time: number): number {
    const { timeline } = this.parts;
    const before = timeline.checkpoints.upTo(axis.at(time));
    const [after] = before ? timeline.checkpoints.between(before.machine.instant, timeline.present) : [];
    if (before === undefined || after === undefined) return before?.cost ?? 0;
    const [start, end] = [before.machine.instant.time, after.machine.instant.time];
    return end <= start ? before.cost : before.cost + ((after.cost - before.cost) * (time - start)) / (end - start);
  }
}

/** The finest scale at which a stretch has no more columns than are wanted. */
const scaleOf = (from: number, to: number, columns: number): number =>
  Math.max(0, Math.ceil(Math.log2(Math.max(1, to - from) / columns)));

/** Up to where a tile can be read. */
const endOf = ({ end }: Tile, axis: Axis): number => Math.min(end, axis.end.time);

const isDone = ({ axis, tiles, cost, samples }: Plan): boolean =>
  samples.length === 0 && (cost > LONGEST || tiles.every((tile) => tile.read >= endOf(tile, axis)));

/** Those at a time and after it, then those before, as the way leads on from one to the next. */
const fromHere = (tiles: readonly Tile[], time: number): Tile[] => [
  ...tiles.filter(({ end }) => end > time),
  ...tiles.filter(({ end }) => end <= time),
];
