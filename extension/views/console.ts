/**
 * The guest's console as a terminal. The guest's output arrives as `xv6.consoleOutput` events; keys go to the guest as the
 * terminal encodes them (Enter is a carriage return, Backspace a DEL), as a UART would receive them.
 */
import * as vscode from 'vscode';
import type { Events } from '../../debug-adapter/protocol';
import { DEBUG_TYPE, request, type Sessions } from '../sessions';
import { TerminalText } from './terminal-text';

const DIM = '\x1b[2m';
const PLAIN = '\x1b[0m';

export class Consoles implements vscode.Disposable {
  /** By session id. A console stays readable after its session has ended, until another session starts. */
  private readonly consoles = new Map<string, Console>();
  /** The console of the session launched last. */
  private last: Console | undefined;
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly sessions: Sessions) {
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
          this.consoles.get(session.id)?.write((body as Events['xv6.consoleOutput']).text);
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

  dispose(): void {
    this.subscriptions.forEach((subscription) => void subscription.dispose());
    this.consoles.forEach((console) => console.dispose());
  }

  private async attach(session: vscode.DebugSession): Promise<void> {
    if (this.consoles.has(session.id)) return;
    for (const [id, { ended }] of this.consoles) if (ended) this.remove(id);
    const console = new Console(session);
    this.consoles.set(session.id, console);
    this.last = console;
    void vscode.commands.executeCommand('setContext', 'xv6.hasConsole', true);
    // Takes the focus, since a prompt to type at comes next; a breakpoint moves the focus to the editor by itself.
    console.show(false);
    await console.attach();
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
  private readonly text = new TerminalText();
  private readonly output = new vscode.EventEmitter<string>();
  private terminal: vscode.Terminal | undefined;
  private open = false;
  private over = false;
  /** Output that arrived before the response to `attachConsole`, whose text comes first. */
  private early: string[] | undefined = [];

  constructor(private readonly session: vscode.DebugSession) {}

  get ended(): boolean {
    return this.over;
  }

  async attach(): Promise<void> {
    try {
      const { text } = await request(this.session, 'xv6.attachConsole', {});
      this.put(text);
    } catch (error) {
      this.note(`the console could not be attached: ${String(error)}`);
    }
    this.early?.forEach((text) => this.put(text));
    this.early = undefined;
  }

  show(preserveFocus: boolean): void {
    this.terminal ??= this.create();
    this.terminal.show(preserveFocus);
  }

  isIn(terminal: vscode.Terminal | undefined): boolean {
    return terminal !== undefined && terminal === this.terminal;
  }

  write(text: string): void {
    if (this.early) this.early.push(text);
    else this.put(text);
  }

  /** Writes a note of the debugger, dimmed so that it differs from the guest's output. */
  note(words: string): void {
    this.put(`\r\n${DIM}[${words}]${PLAIN}\r\n`);
  }

  /** Shows this console again: the build has just shown its own terminal. */
  restart(): void {
    this.note('restart');
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
    request(this.session, 'xv6.consoleInput', { text }).then(undefined, (error: unknown) => {
      if (!this.over) this.note(`the key strokes were lost: ${String(error)}`);
    });
  }
}
