/** `$packets()`: the frames that the guest has sent and was sent, with their headers. */
import { compareInstants, type Instant } from '../../emulator/history/instant';
import type { Stop } from '../../emulator/types';
import { frameHeaders } from '../survey/frame-headers';
import { FrameWatch } from '../survey/frame-watch';
import { frameWords } from '../survey/frame-words';
import { beforeInstruction, sceneOf, type AskedGuest, type Occurrence, type Scene } from './occurrence';
import type { Candidate, Query } from './query';

/** Device.name of the network card. */
const CARD = 'e1000';
/** Units of an instant's time in a tick. */
const TIME_PER_TICK = 10;
/** Packets of a stretch that are held, if not more are wanted. */
const MOST_HELD = 5000;

export class Packets implements Query {
  readonly subject = 'packets';
  private readonly frames = new FrameWatch();
  private held: Occurrence[] = [];
  private readonly bytes = new WeakMap<Occurrence, Uint8Array>();

  constructor(
    private readonly guest: AskedGuest,
    /** Has a listener told of each frame that the guest sends. */
    private readonly listen: (listener: ((frame: Uint8Array) => void) | undefined) => void,
    private readonly most = MOST_HELD,
  ) {
    if (guest.machine.options.network === undefined) throw new Error('The machine has no network card.');
  }

  /** The frame of one of its occurrences. */
  frameOf(one: Occurrence): Uint8Array {
    return this.bytes.get(one)!;
  }

  begin(): () => void {
    const { machine } = this.guest;
    const subscription = machine.subscribe({
      device: ({ device, access }) => device === CARD && access === 'write' && this.frames.hasSent,
    });
    this.frames.begin(machine);
    this.listen((frame) => this.frames.wrote(frame));
    return () => {
      this.listen(undefined);
      subscription.end();
    };
  }

  /** What it brings is known in its order only at the end of the stretch. */
  seen(stop: Stop): undefined {
    if (stop.kind !== 'device') return;
    const { hart, pc } = stop.event;
    const { guest } = this;
    this.hold(() => sceneOf(guest, guest.harts[hart]!, pc, beforeInstruction(guest.machine.instant)));
  }

  ended(): readonly Candidate[] {
    this.hold(() => ({ ...nobody(this.guest.machine.instant), tick: this.guest.machine.now }));
    const all = this.held.sort((a, b) => compareInstants(a.instant, b.instant));
    this.held = [];
    return all.map((one) => ({ occurrence: () => one }));
  }

  private hold(sender: () => Scene): void {
    for (const { frame, kind, instant } of this.frames.take(this.guest.machine)) {
      const scene = instant === undefined ? sender() : nobody(instant);
      const what = `${kind.replace('packet ', '')}: ${frameWords(frame)}`;
      const one = { ...scene, what, parts: frameHeaders(frame) };
      this.bytes.set(one, frame);
      this.held.push(one);
    }
    if (this.held.length > 2 * this.most) this.held.splice(0, this.held.length - this.most);
  }
}

/** Where a packet comes from outside. */
const nobody = (instant: Instant): Scene => ({
  ...{ instant, tick: Math.floor(instant.time / TIME_PER_TICK) },
  ...{ hart: undefined, place: undefined, process: undefined },
});
