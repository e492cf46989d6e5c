/** The network of a run: what is between the guest's card, the host's sockets, and the files that frames are captured to. */
import { UserNetwork } from '../../emulator/network/user-network';
import type { MachineApi } from '../../emulator/types';
import { SOCKETS } from '../../host/sockets';
import { FrameCapture } from './frame-capture';
import type { NetworkOptions } from './network-options';

/** Ticks of mtime in a microsecond. */
const TICKS = 10;

/** The run at which the cable ends. */
export interface Plug {
  readonly machine: Pick<MachineApi, 'now'>;
  /** What the guest does now it has done before. */
  readonly inPast: boolean;
  /** A frame has come for the guest. */
  receive(frame: Uint8Array): void;
}

export class GuestNetwork {
  private network: UserNetwork | undefined;
  private captures: FrameCapture[] = [];
  private readonly began = Date.now() * 1000;
  private run: Plug | undefined;

  /** `problem`: for the user to know, such as a port that is in use. Nothing is opened before `plug`. */
  constructor(
    private readonly options: NetworkOptions,
    private readonly problem: (text: string) => void,
  ) {}

  /** From here on frames go to this run. Throws UsageError if they are to be captured to a file that cannot be written. */
  plug(run: Plug): void {
    this.captures = this.options.captures.map((capture) => new FrameCapture(capture, this.problem));
    this.run = run;
    const deliver = (frame: Uint8Array): void => {
      if (run.inPast) return;
      this.note(frame);
      run.receive(frame);
    };
    this.network = new UserNetwork(this.options, SOCKETS, { deliver, problem: this.problem });
  }

  /** The guest has sent a frame. */
  transmit(frame: Uint8Array): void {
    if (this.run?.inPast !== false) return;
    this.note(frame);
    this.network?.transmit(frame);
  }

  /** The guest has another future than the one it had connections in. */
  forget(): void {
    this.network?.forget();
  }

  close(): void {
    this.run = undefined;
    this.network?.close();
    for (const capture of this.captures) capture.close();
  }

  private note(frame: Uint8Array): void {
    const time = this.began + Math.floor((this.run?.machine.now ?? 0) / TICKS);
    for (const capture of this.captures) capture.add(frame, time);
  }
}
