/** For tests: a client of a session, and the program that runs its machine. */
import { type Companion, Timeline } from '../../emulator/history/timeline';
import { Machine } from '../../emulator/machine';
import type { MachineInput, MachineOptions } from '../../emulator/types';
import { packetOf, PacketReader, textOf } from '../packets';
import { GdbSession } from '../session';
import type { Target } from '../target';

const COMPANION: Companion = { save: () => null, restore: () => undefined, passed: () => undefined };
const CLOCK = { now: () => performance.now(), soon: (action: () => void) => void setImmediate(action) };
const MEMORY = 2 ** 26;

export class TestTarget implements Target {
  running = false;
  hasQuit = false;
  private timeline: Timeline | undefined;

  constructor(readonly machine: Machine) {}

  resume(): void {
    this.running = true;
  }
  halt(): void {
    this.running = false;
  }
  release(): void {
    this.resume();
  }
  quit(): void {
    this.hasQuit = true;
  }
  apply(input: MachineInput): boolean {
    if (this.timeline?.isPast) this.timeline.branch();
    return this.machine.apply(input);
  }
  past(): Timeline {
    return (this.timeline ??= new Timeline(this.machine, COMPANION, CLOCK, MEMORY));
  }
}

export class TestClient {
  readonly target: TestTarget;
  readonly session: GdbSession;
  /** What has come back and not been asked for yet: packets, `+` and `-`. */
  readonly replies: string[] = [];
  closed = false;
  private readonly reader = new PacketReader();

  constructor(options: Pick<MachineOptions, 'harts' | 'kernel'>) {
    this.target = new TestTarget(new Machine({ memory: 2 ** 20, legacyVirtio: false, ...options }));
    this.session = new GdbSession(this.target, {
      send: (bytes) => {
        for (const one of this.reader.read(bytes))
          this.replies.push(one.kind === 'packet' ? one.text : one.kind === 'ack' ? '+' : one.kind);
      },
      close: () => void (this.closed = true),
    });
  }

  /** Sends bytes as they are. */
  send(text: string): void {
    this.session.receive(Uint8Array.from(text, (one) => one.charCodeAt(0)));
  }

  /** Sends a packet; the answer to it, once the machine stands again. Text for the user comes before it, in the order of lines. */
  async ask(packet: string, instructions = 100_000): Promise<string> {
    this.replies.length = 0;
    this.send(textOf(packetOf(packet)));
    await this.settle(instructions);
    return this.replies.filter((reply) => reply !== '+').join(' ');
  }

  /** Runs the machine for so long as it is to run, and waits for journeys through its past. */
  async settle(instructions: number): Promise<void> {
    const { machine } = this.target;
    const end = machine.executed + instructions;
    for (;;) {
      while (this.target.running && machine.executed < end) {
        const stop = machine.run({ instructions: Math.min(1000, end - machine.executed), ...this.session.limit() });
        if (!this.session.ran(stop) && stop.kind === 'idle') machine.idleUntil(stop.until);
      }
      if (!this.session.control.travelling) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
