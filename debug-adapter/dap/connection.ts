/**
 * The Debug Adapter Protocol's base protocol, over any channel for whole messages: a table of handlers responds to requests,
 * one at a time and in order; events may be sent at any time. The channel does the framing (Content-Length): see stdio.ts.
 * Follows "Base Protocol" of the Debug Adapter Protocol specification 1.6x.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { defect, reported, UserError } from './errors';

/** A transport for messages: a pipe, a worker's port. */
export interface Channel {
  send(message: DebugProtocol.ProtocolMessage): void;
  /** Called once; the listener then receives every message. */
  onMessage(listener: (message: unknown) => void): void;
  /** Takes note of a defect, for whoever mends it; the client's user need not see it. */
  log?(text: string): void;
}

/** Handles one request. Its result becomes the response's body, an exception the response's error; a `Later` is answered by itself. */
export type Handler = (args: unknown) => unknown;

/** A body that is not there yet: the requests after this one are handled in the meantime, and may be answered before. */
export class Later<Body = unknown> {
  constructor(readonly body: Promise<Body>) {}
}

interface Answer {
  readonly success: boolean;
  readonly message?: string;
  readonly body: unknown;
}

const accepted = (body: unknown): Answer => ({ success: true, body });

/** Milliseconds for which a request that ends the session waits for those before it, which may wait for a file. */
const PATIENCE = 1000;
const ENDING: ReadonlySet<string> = new Set(['disconnect', 'terminate']);

/** The protocol's error message for a cancelled request. */
const CANCELLED = 'cancelled';

function isRequest(message: unknown): message is DebugProtocol.Request {
  if (typeof message !== 'object' || message === null) return false;
  const { type, seq, command } = message as Record<string, unknown>;
  return type === 'request' && typeof seq === 'number' && typeof command === 'string';
}

export class Connection {
  private sequence = 1;
  private afterResponseQueue: (() => void)[] = [];
  /** The request that is being handled, and what ends it early. */
  private current: { readonly seq: number; progressId?: string; cancel?: () => void } | undefined;
  /** Requests that the client has cancelled. */
  private readonly cancelled = new Set<number>();
  /** Requests run in the order in which they arrive, though some wait for files. */
  private queue: Promise<void> = Promise.resolve();

  /** `later` runs an action after some milliseconds; without it, requests that end the session wait like all others. */
  constructor(
    private readonly channel: Channel,
    private readonly later?: (milliseconds: number, action: () => void) => () => void,
  ) {}

  /** Responds to requests from now on, each with the handler that `find` has for it. Call it once. */
  serve(find: (command: string) => Handler | undefined): void {
    this.channel.onMessage((message) => {
      if (!isRequest(message)) return;
      this.noteCancel(message);
      const turn = ENDING.has(message.command) ? this.impatiently() : this.queue;
      const handled = turn.then(() => this.handle(message, find(message.command)));
      this.queue = Promise.all([this.queue, handled]).then(() => undefined);
    });
  }

  event(event: string, body?: object): void {
    this.channel.send({ seq: this.sequence++, type: 'event', event, body } as DebugProtocol.Event);
  }

  /** Runs `action` when the current request has been handled, after its response unless that comes later: for events that must follow. */
  afterResponse(action: () => void): void {
    this.afterResponseQueue.push(action);
  }

  /** From now on, until the current request is answered, `cancel` is called if the client cancels it or its progress. */
  whenCancelled(progressId: string, cancel: () => void): void {
    if (this.current !== undefined) Object.assign(this.current, { progressId, cancel });
  }

  /** What the user is told of an error; if it is a defect, its details go to the log. */
  reported(error: unknown, what: string): string {
    return reported(error, what, (text) => this.channel.log?.(text));
  }

  /** The same of an error that is a defect whatever it says, since nothing may be thrown there. */
  defect(error: unknown, what: string): string {
    return defect(error, what, (text) => this.channel.log?.(text));
  }

  /** Resolves when every request received so far has been handled. */
  settled(): Promise<void> {
    return this.queue;
  }

  /** Resolves when the requests so far have their responses, or they take too long. */
  private impatiently(): Promise<void> {
    return new Promise((resolve) => {
      const callOff = this.later?.(PATIENCE, resolve);
      void this.queue.then(() => {
        callOff?.();
        resolve();
      });
    });
  }

  /** Takes note of a cancel at once, since it must not queue up after the request that it cancels. */
  private noteCancel({ command, arguments: given }: DebugProtocol.Request): void {
    if (command !== 'cancel') return;
    const { requestId, progressId } = (given ?? {}) as DebugProtocol.CancelArguments;
    const { current } = this;
    const isMeant =
      current !== undefined &&
      (requestId === current.seq || (progressId !== undefined && progressId === current.progressId));
    if (isMeant) current.cancel?.();
    if (typeof requestId !== 'number' || isMeant) return;
    this.cancelled.add(requestId);
    void this.queue.then(() => this.cancelled.delete(requestId));
  }

  private async handle(request: DebugProtocol.Request, handler: Handler | undefined): Promise<void> {
    const mine = { seq: request.seq };
    let outcome: Answer | Later;
    try {
      if (this.cancelled.delete(request.seq)) throw new Error(CANCELLED);
      if (!handler) throw new Error(`This debugger does not know the request "${request.command}".`);
      this.current = mine;
      const result = await handler(request.arguments ?? {});
      outcome = result instanceof Later ? result : accepted(result);
    } catch (error) {
      outcome = this.refused(request, error);
    }
    // A request that ends the session may have come meanwhile.
    if (this.current === mine) this.current = undefined;
    if (outcome instanceof Later) {
      const answer = outcome.body.then(accepted, (error: unknown) => this.refused(request, error));
      void answer.then((known) => this.respond(request, known));
    } else {
      this.respond(request, outcome);
    }
    for (const action of this.afterResponseQueue.splice(0)) {
      try {
        action();
      } catch (error) {
        // The response has been sent, so report the error as output; the requests after this one must still run.
        this.event('output', { category: 'important', output: `${this.reported(error, `"${request.command}"`)}\n` });
      }
    }
  }

  private refused({ command }: DebugProtocol.Request, error: unknown): Answer {
    const message = this.reported(error, `"${command}"`);
    return {
      success: false,
      message,
      body: { error: { id: 1, format: message, showUser: error instanceof UserError } },
    };
  }

  private respond({ seq, command }: DebugProtocol.Request, answer: Answer): void {
    const response: DebugProtocol.Response = {
      ...{ seq: this.sequence++, type: 'response', request_seq: seq, command },
      ...answer,
    };
    this.channel.send(response);
  }
}
