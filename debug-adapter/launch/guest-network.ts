/**
 * The network of a run that can go back. There is none in the past: what the guest sends there it has sent before, and what came
 * then is in the log. While the machine stands still, what comes waits, so that nothing changes under the user's eyes.
 */
import type { Forward } from '../../emulator/network/forward';
import type { HostSockets } from '../../emulator/network/host-sockets';
import { UserNetwork } from '../../emulator/network/user-network';

/** What the network asks of the run. */
export interface NetworkRun {
  /** The machine stands in its past, or is on its way there. */
  readonly inPast: boolean;
  readonly running: boolean;
  /** A frame comes in. */
  receive(frame: Uint8Array): void;
  /** A machine that waits is to be looked at. */
  wake(): void;
}

/** Frames that wait; more are lost. */
const MOST_WAITING = 256;

export class GuestNetwork {
  private readonly network: UserNetwork;
  private waiting: Uint8Array[] = [];

  constructor(
    forwards: readonly Forward[],
    sockets: HostSockets,
    private readonly run: NetworkRun,
    problem: (text: string) => void,
  ) {
    this.network = new UserNetwork({ forwards, isRestricted: false }, sockets, {
      deliver: (frame) => this.deliver(frame),
      problem,
    });
  }

  /** The guest has sent a frame. */
  transmit(frame: Uint8Array): void {
    if (!this.run.inPast) this.network.transmit(frame);
  }

  /** The machine runs: hands it what has waited. */
  feed(): void {
    if (this.waiting.length === 0) return;
    for (const frame of this.waiting.splice(0)) this.run.receive(frame);
    this.run.wake();
  }

  /** The guest has another future than the one in which it had its connections. */
  forget(): void {
    this.waiting = [];
    this.network.forget();
  }

  close(): void {
    this.network.close();
  }

  private deliver(frame: Uint8Array): void {
    if (this.run.inPast || this.waiting.length >= MOST_WAITING) return;
    this.waiting.push(frame);
    if (this.run.running) this.feed();
  }
}
