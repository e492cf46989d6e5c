/**
 * The Debug Adapter Protocol's base protocol, over any channel that carries whole messages: requests are answered by a
 * table of handlers, one at a time and in order; events go out at any time. Framing (Content-Length) is the channel's
 * own affair: see stdio.ts. Rests on "Base Protocol" of the Debug Adapter Protocol specification 1.6x.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';

/** What carries messages: a pipe, a worker's port. */
export interface Channel {
  send(message: DebugProtocol.ProtocolMessage): void;
  /** Called once; the listener then receives every message. */
  onMessage(listener: (message: unknown) => void): void;
}

/** A failure that the user should see as a notification, not only the one who asked. */
export class UserError extends Error {}

/** Answers one request; what it returns becomes the response's body, what it throws its error. */
export type Handler = (args: unknown) => unknown;

/** What the protocol has a cancelled request answer. */
const CANCELLED = 'cancelled';

function isRequest(message: unknown): message is DebugProtocol.Request {
  if (typeof message !== 'object' || message === null) return false;
  const { type, seq, command } = message as Record<string, unknown>;
  return type === 'request' && typeof seq === 'number' && typeof command === 'string';
}

export class Connection {
  private readonly channel: Channel;
  private sequence = 1;
  private afterResponseQueue: (() => void)[] = [];
  /** Requests that the client no longer wants answered. */
  private readonly cancelled = new Set<number>();
  /** Requests are answered in the order in which they came, though some wait for files. */
  private queue: Promise<void> = Promise.resolve();

  constructor(channel: Channel, find: (command: string) => Handler | undefined) {
    this.channel = channel;
    channel.onMessage((message) => {
      if (!isRequest(message)) return;
      this.heedCancel(message);
      this.queue = this.queue.then(() => this.answer(message, find(message.command)));
    });
  }

  event(event: string, body?: object): void {
    this.channel.send({ seq: this.sequence++, type: 'event', event, body } as DebugProtocol.Event);
  }

  /** Runs `action` when the response to the request in hand has been sent: for events that must come after it. */
  afterResponse(action: () => void): void {
    this.afterResponseQueue.push(action);
  }

  /** Settles when every request received so far has been answered. */
  settled(): Promise<void> {
    return this.queue;
  }

  /** A cancel must not queue up behind what it cancels. One for a request that was answered long ago is forgotten. */
  private heedCancel({ command, arguments: given }: DebugProtocol.Request): void {
    const { requestId } = (given ?? {}) as DebugProtocol.CancelArguments;
    if (command !== 'cancel' || typeof requestId !== 'number') return;
    this.cancelled.add(requestId);
    void this.queue.then(() => this.cancelled.delete(requestId));
  }

  private async answer(request: DebugProtocol.Request, handler: Handler | undefined): Promise<void> {
    const response: DebugProtocol.Response = {
      seq: 0,
      type: 'response',
      request_seq: request.seq,
      command: request.command,
      success: true,
    };
    try {
      if (this.cancelled.delete(request.seq)) throw new Error(CANCELLED);
      if (!handler) throw new Error(`This debugger does not know the request "${request.command}".`);
      response.body = await handler(request.arguments ?? {});
    } catch (error) {
      const text = textOf(error);
      response.success = false;
      response.message = text;
      response.body = { error: { id: 1, format: text, showUser: error instanceof UserError } };
    }
    response.seq = this.sequence++;
    this.channel.send(response);
    for (const action of this.afterResponseQueue.splice(0)) {
      try {
        action();
      } catch (error) {
        // There is no response left to carry it, and the requests behind this one must still be answered.
        this.event('output', { category: 'important', output: `${textOf(error)}\n` });
      }
    }
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
