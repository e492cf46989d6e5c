/**
 * What came into the machine from outside, with the instant at which it came. Together with the start state this decides
 * the whole run: put the same log into a machine of the same options and it does the same again.
 */
export interface InputEvent {
  /** Virtual time in instructions (a tenth of a tick), between two of them. */
  time: number;
  /** Bytes for the UART. */
  console: Uint8Array;
}

export class InputLog {
  readonly events: InputEvent[] = [];
  private replayed = 0;

  /** `replay`: events to come, in order of time. */
  constructor(private readonly replay: readonly InputEvent[] = []) {}

  record(event: InputEvent): void {
    this.events.push(event);
  }

  /** Time of the next event to be replayed, Infinity if there is none. */
  get nextTime(): number {
    return this.replay[this.replayed]?.time ?? Infinity;
  }

  /** Takes the events that are due. */
  take(time: number): InputEvent[] {
    const due: InputEvent[] = [];
    while (this.nextTime <= time) due.push(this.replay[this.replayed++]!);
    return due;
  }
}
