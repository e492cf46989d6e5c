/**
 * Scripts for the console, in the manner of expect(1): a line `expect TEXT` waits until the guest has written TEXT, a
 * line `send TEXT` types it. Text is UTF-8.
 */
import { UsageError } from './command-line/option-values';

export type ScriptCommand =
  { kind: 'expect'; text: string; line: number } | { kind: 'send'; text: string; line: number };

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', s: ' ', '\\': '\\' };

/** Replaces \n, \r, \t, \s (a space, for one at the end of a line), \\ and \xHH. */
function unescape(text: string, where: string): string {
  return text.replace(/\\(x[0-9a-fA-F]{2}|.|$)/g, (whole, code: string) => {
    if (/^x../.test(code)) return String.fromCharCode(parseInt(code.slice(1), 16));
    const plain = Object.hasOwn(ESCAPES, code) ? ESCAPES[code] : undefined;
    if (plain === undefined)
      throw new UsageError(`${where}: ${whole} is no escape; known are \\n \\r \\t \\s \\\\ \\xHH`);
    return plain;
  });
}

/**
 * Reads a script; `name` is for messages. `send` adds Enter, unless its text ends with \c or with an escape that is a
 * control character itself.
 */
export function parseScript(source: string, name: string): ScriptCommand[] {
  const commands: ScriptCommand[] = [];
  source.split(/\r?\n/).forEach((text, index) => {
    const where = `${name}:${index + 1}`;
    if (/^\s*(#|$)/.test(text)) return;
    const match = /^\s*(expect|send)(?: (.*))?$/.exec(text);
    if (!match) throw new UsageError(`${where}: "${text.trim()}" is neither "expect TEXT" nor "send TEXT"`);
    const raw = match[2] ?? '';
    if (match[1] === 'expect') {
      const expected = unescape(raw, where);
      if (expected === '') throw new UsageError(`${where}: expect needs a text to wait for`);
      commands.push({ kind: 'expect', text: expected, line: index + 1 });
      return;
    }
    const bare = /(^|[^\\])(\\\\)*\\c$/.test(raw);
    const typed = unescape(bare ? raw.slice(0, -2) : raw, where);
    const complete = bare || (/\\(n|r|x..)$/.test(raw) && /[\0-\x1f\x7f]$/.test(typed));
    commands.push({ kind: 'send', text: complete ? typed : `${typed}\n`, line: index + 1 });
  });
  if (commands.length === 0) throw new UsageError(`${name}: the script has no command`);
  return commands;
}

/** A running script. Each expect searches from the end of what the previous one found. */
export class ScriptRun {
  private readonly decoder = new TextDecoder('utf-8');
  private readonly encoder = new TextEncoder();
  private next = 0;
  private unseen = '';

  constructor(private readonly commands: readonly ScriptCommand[]) {}

  get done(): boolean {
    return this.next >= this.commands.length;
  }

  /** The expect that it is waiting for. */
  get waitingFor(): ScriptCommand | undefined {
    return this.commands[this.next];
  }

  output(bytes: Uint8Array): void {
    this.unseen += this.decoder.decode(bytes, { stream: true });
  }

  /** Advances as far as the output allows. Returns what to type now, which may be empty. */
  advance(): Uint8Array {
    let typed = '';
    for (; !this.done; this.next++) {
      const command = this.commands[this.next]!;
      if (command.kind === 'send') {
        typed += command.text;
        continue;
      }
      const at = this.unseen.indexOf(command.text);
      if (at < 0) {
        this.forget(command.text.length);
        break;
      }
      this.unseen = this.unseen.slice(at + command.text.length);
    }
    return this.encoder.encode(typed);
  }

  /** Drops output in which no match can begin any more, so that a talkative guest costs no memory and no repeated search. */
  private forget(length: number): void {
    if (this.unseen.length >= length) this.unseen = length > 1 ? this.unseen.slice(1 - length) : '';
  }
}
