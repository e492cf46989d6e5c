/** The lines that a guest prints, as a machine runs on: each begins with its first character that can be seen. */

/** Bytes of a line that are kept. */
const KEPT = 160;
const NEWLINE = 0x0a;
const BLANK = 0x20;

/** A line that has begun; its bytes come in as it is printed. */
export class PrintedLine {
  private readonly bytes: number[] = [];

  add(byte: number): void {
    if (this.bytes.length < KEPT) this.bytes.push(byte);
  }

  get text(): string {
    return new TextDecoder().decode(Uint8Array.from(this.bytes)).trimEnd();
  }
}

export class LineWatch {
  private line: PrintedLine | undefined;
  private fresh: PrintedLine | undefined;
  /** A line is going on whose beginning has not been seen. */
  private isWithin = false;

  /** A machine has been put where its console has, or has not, a line that is not finished. */
  begin(isWithin: boolean): void {
    this.line = this.fresh = undefined;
    this.isWithin = isWithin;
  }

  wrote(bytes: Uint8Array): void {
    for (const byte of bytes) this.byte(byte);
  }

  /** A line has begun since it was last taken. */
  get hasBegun(): boolean {
    return this.fresh !== undefined;
  }

  /** The end of a line is to come. */
  get isOpen(): boolean {
    return this.hasUnfinished || this.isWithin;
  }

  /** The end of a line is to come that has been seen to begin. */
  get hasUnfinished(): boolean {
    return this.line !== undefined;
  }

  /** The line that has begun. */
  take(): PrintedLine | undefined {
    const { fresh } = this;
    this.fresh = undefined;
    return fresh;
  }

  private byte(byte: number): void {
    if (byte === NEWLINE) {
      this.line = undefined;
      this.isWithin = false;
      return;
    }
    if (this.line === undefined && !this.isWithin && byte > BLANK) this.line = this.fresh = new PrintedLine();
    this.line?.add(byte);
  }
}
