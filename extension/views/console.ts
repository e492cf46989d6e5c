/**
 * The guest's console as a terminal. The guest's output arrives as `xv6.consoleOutput` events; keys go to the guest as the
 * terminal encodes them (Enter is a carriage return, Backspace a DEL), as a UART would receive them.
 */
import * as vscode from 'vscode';
import type { Events } from '../../debug-adapter/protocol';
import { isRefusal, type Consent } from '../past/consent';
import { PrintedText } from '../past/printed-lines';
import type { Whereabouts } from '../past/whereabouts';
import { DEBUG_TYPE, request, type Sessions } from '../sessions';
import { TerminalText } from './terminal-text';

const DIM = '\x1b[2m';
const PLAIN = '\x1b[0m';
/** Erases the screen and the lines above it, and starts at the top: ED 2, ED 3 of xterm, CUP. */
const CLEAR = '\x1b[2J\x1b[3J\x1b[H';

export class Consoles implements vscode.Disposable {
  /** By session id. A console stays readable after its session has ended, until another session starts. */
  private readonly consoles = new Map<string, Console>();
  /** The console of the session launched last. */
  private last: Console | undefined;
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly sessions: Sessions,
    private readonly whereabouts: Whereabouts,
    private readonly consent: Consent,
  ) {
    this.subscriptions = [
      sessions.onEvent(({ kind, session }) => {
        const console = this.consoles.get(session.id);
        if (kind === 'launched') {
          void this.attach(session);
        } else if (kind === 'restarting') {
          console?.restart();
        } else if (kind === 'ended' && console) {
          console.end();
          this.markActive(vscode.window.activeTerminal);
        }
      }),
      vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
        if (session.type === DEBUG_TYPE && event === 'xv6.consoleOutput')
          this.consoles.get(session.id)?.write(body as Events['xv6.consoleOutput']);
      }),
      vscode.window.onDidChangeActiveTerminal((terminal) => this.markActive(terminal)),
    ];
  }

  /** Shows the console of the active session, or the last console. */
  show(): void {
    const session = this.sessions.current();
    const console = (session && this.consoles.get(session.id)) ?? this.last;
    if (console) console.show(false);
    else void vscode.window.showInformationMessage('There is no xv6 console yet: start debugging first.');
  }

  /** What the guest has printed in a terminal, if that is the console of the current session. */
  printedIn(terminal: vscode.Terminal): PrintedText | undefined {
    const session = this.sessions.current();
    const console = session && this.consoles.get(session.id);
    return console?.isIn(terminal) === true && !console.ended ? console.printed : undefined;
  }

  printedBy(session: vscode.DebugSession): PrintedText | undefined {
    return this.consoles.get(session.id)?.printed;
  }

  dispose(): void {
    this.subscriptions.forEach((subscription) => void subscription.dispose());
    this.consoles.forEach((console) => console.dispose());
  }

  private async attach(session: vscode.DebugSession): Promise<void> {
    if (this.consoles.has(session.id)) return;
    for (const [id, { ended }] of this.consoles) if (ended) this.remove(id);
    const console = new Console(session, (text) => this.send(session, text));
    this.consoles.set(session.id, console);
    this.last = console;
    void vscode.commands.executeCommand('setContext', 'xv6.hasConsole', true);
    // Takes the focus, since a prompt to type at comes next; a breakpoint moves the focus to the editor by itself.
    console.show(false);
    await console.attach();
  }

  /** Types into the guest. In the past that begins another future, for which the user is asked. */
  private async send(session: vscode.DebugSession, text: string): Promise<void> {
    if (this.whereabouts.isInPast(session) && !(await this.consent.branch(session))) return;
    try {
      await request(session, 'xv6.consoleInput', { text });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (await this.consent.branch(session)) await request(session, 'xv6.consoleInput', { text });
    }
  }

  private remove(id: string): void {
    this.consoles.get(id)?.dispose();
    this.consoles.delete(id);
  }

  /** Sets the context key for keybindings that send keys to the guest: true only while the console has a running session. */
  private markActive(terminal: vscode.Terminal | undefined): void {
    const active = [...this.consoles.values()].some((console) => !console.ended && console.isIn(terminal));
    void vscode.commands.executeCommand('setContext', 'xv6.consoleActive', active);
  }
}

class Console {
  /** What the guest has printed since its machine was started. */
  readonly printed = new PrintedText();
  private readonly text = new TerminalText();
  private readonly output = new vscode.EventEmitter<string>();
  private terminal: vscode.Terminal | undefined;
  private open = false;
  private over = false;
  /** Output that arrived before the response to `attachConsole`, whose text comes first. */
  private early: Events['xv6.consoleOutput'][] | undefined = [];

  constructor(
    private readonly session: vscode.DebugSession,
    private readonly type: (text: string) => Promise<void>,
  ) {}

  get ended(): boolean {
    return this.over;
  }

  async attach(): Promise<void> {
    try {
      const { text } = await request(this.session, 'xv6.attachConsole', {});
      this.print({ text });
    } catch (error) {
      this.note(`the console could not be attached: ${String(error)}`);
    }
    this.early?.forEach((output) => this.print(output));
    this.early = undefined;
  }

  show(preserveFocus: boolean): void {
    this.terminal ??= this.create();
    this.terminal.show(preserveFocus);
  }

  isIn(terminal: vscode.Terminal | undefined): boolean {
    return terminal !== undefined && terminal === this.terminal;
  }

  write(output: Events['xv6.consoleOutput']): void {
    if (this.early) this.early.push(output);
    else this.print(output);
  }

  /** Writes a note of the debugger, dimmed so that it differs from the guest's output. */
  note(words: string): void {
    this.put(`\r\n${DIM}[${words}]${PLAIN}\r\n`);
  }

  /** Shows this console again: the build has just shown its own terminal. */
  restart(): void {
    this.note('restart');
    this.printed.replace('');
    this.show(true);
  }

  end(): void {
    this.over = true;
    this.note('session ended');
  }

  dispose(): void {
    this.terminal?.dispose();
    this.output.dispose();
  }

  /** Output of the guest. At another instant its text is another one. */
  private print({ text, replaces }: Events['xv6.consoleOutput']): void {
    if (replaces === true) {
      this.printed.replace(text);
      this.text.clear();
      if (this.open) this.output.fire(CLEAR);
    } else {
      this.printed.append(text);
    }
    this.put(text);
  }

  private put(text: string): void {
    const converted = this.text.append(text);
    if (this.open) this.output.fire(converted);
  }

  private create(): vscode.Terminal {
    const pty: vscode.Pseudoterminal = {
      onDidWrite: this.output.event,
      open: () => {
        this.open = true;
        this.output.fire(this.text.history);
      },
      close: () => {
        this.open = false;
        this.terminal = undefined;
      },
      handleInput: (text) => this.send(text),
    };
    return vscode.window.createTerminal({
      name: `xv6: ${this.session.name}`,
      pty,
      iconPath: new vscode.ThemeIcon('chip'),
      isTransient: true,
    });
  }

  private send(text: string): void {
    if (this.over) return;
    this.type(text).catch((error: unknown) => {
      if (!this.over) this.note(`the key strokes were lost: ${String(error)}`);
    });
  }
}
