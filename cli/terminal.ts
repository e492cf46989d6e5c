/**
 * The console on this process' standard input: raw mode on a terminal, and the Ctrl-A commands of QEMU's multiplexed
 * character devices ("Keys in the character backend multiplexer" in its manual).
 */

export type EscapeCommand = 'exit' | 'help' | 'monitor';

const ESCAPE = 0x01;

const COMMANDS: Record<string, EscapeCommand> = { x: 'exit', h: 'help', '?': 'help', c: 'monitor' };

export const ESCAPE_HELP = `
C-a h    print this help
C-a x    exit emulator
C-a C-a  sends C-a
`;

/** Takes Ctrl-A and the key after it out of the input; the two may come in different pieces. */
export class EscapeFilter {
  private escaped = false;

  /** Splits input into bytes for the guest and commands in order. Ctrl-A typed twice is one Ctrl-A for the guest. */
  feed(typed: Uint8Array): { forward: Uint8Array; commands: EscapeCommand[] } {
    const forward: number[] = [];
    const commands: EscapeCommand[] = [];
    for (const byte of typed) {
      if (!this.escaped) {
        if (byte === ESCAPE) this.escaped = true;
        else forward.push(byte);
        continue;
      }
      this.escaped = false;
      if (byte === ESCAPE) forward.push(byte);
      const key = String.fromCharCode(byte).toLowerCase();
      if (Object.hasOwn(COMMANDS, key)) commands.push(COMMANDS[key]!);
    }
    return { forward: Uint8Array.from(forward), commands };
  }
}

export interface TerminalListener {
  input(bytes: Uint8Array): void;
  command(command: EscapeCommand): void;
  /** Standard input has ended. */
  end(): void;
}

/** Standard input attached to the console, until `close`. */
export class Terminal {
  private readonly filter = new EscapeFilter();
  /** Whether standard input is a terminal, where a guest that has stopped stays on the screen. */
  readonly interactive: boolean;

  constructor(
    private readonly stdin: NodeJS.ReadStream,
    listener: TerminalListener,
  ) {
    this.interactive = stdin.isTTY;
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.on('data', (typed: Buffer) => {
      const { forward, commands } = this.filter.feed(typed);
      if (forward.length > 0) listener.input(forward);
      commands.forEach((command) => listener.command(command));
    });
    stdin.on('end', () => listener.end());
    stdin.on('error', () => listener.end());
    stdin.resume();
  }

  /** Restores the terminal's mode and lets the process end. */
  close(): void {
    if (this.stdin.isTTY) this.stdin.setRawMode(false);
    this.stdin.pause();
    this.stdin.removeAllListeners('data');
  }
}
