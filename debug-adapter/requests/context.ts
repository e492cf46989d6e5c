/** What the handlers of requests share: one session's state. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Connection } from '../dap/connection';
import { newStopPoints, type DebugRun, type RunHost, type StopPoints } from '../launch/debug-run';
import { GuestConsole } from '../launch/guest-console';
import { SnapshotHistory } from '../page-tables/model';
import type { LaunchAttributes } from '../protocol';
import type { Occurrence } from '../questions/occurrence';
import type { NamedSpot } from '../questions/spots';
import { processName, threadNamed } from '../stack/threads';
import type { JourneyProgress } from './lifecycle/progress';
import type { Telling } from './running/stories';
import type { RegisterValues, Stopped } from './stopped';

/** The world around the adapter, given by the entry point. */
export interface Host extends RunHost {
  /** The session is over; a program ends itself then. */
  end(exitCode: number): void;
}

/** What the client has said that it understands; nothing until it has said so. */
export interface Client {
  invalidated: boolean;
  memoryEvents: boolean;
  memoryReferences: boolean;
  progress: boolean;
  /** The `type` of variables, and paging of their children. */
  types: boolean;
  paging: boolean;
}

export const SILENT_CLIENT: Client = {
  invalidated: false,
  memoryEvents: false,
  memoryReferences: false,
  progress: false,
  types: false,
  paging: false,
};

export interface SessionContext {
  readonly connection: Connection;
  readonly host: Host;
  readonly stopPoints: StopPoints;
  readonly console: GuestConsole;
  client: Client;
  /** All numbers are shown in hexadecimal. */
  hexadecimal: boolean;
  /** Memory references that the client has read lately, with the last part read: what it may show. */
  readonly memoryViews: Map<string, { offset: number; count: number }>;
  /** The harts' registers at the last stop. */
  registers?: readonly RegisterValues[] | undefined;
  /** Page tables as they were at earlier stops. */
  readonly snapshots: SnapshotHistory;
  /** The current launch configuration. */
  attributes: LaunchAttributes;
  running?: DebugRun | undefined;
  /** The current stop; undefined while the machine runs. */
  stopped?: Stopped | undefined;
  /** What questions have found, by its number less 1. */
  answers: Occurrence[];
  /** What was asked for last: who wrote it, and that before? */
  asked?: NamedSpot | undefined;
  /** The story of a stop: undefined of one that has nothing to tell. */
  telling?: { of: Stopped; telling: Telling | undefined } | undefined;
  /** A journey through the past that is under way. */
  journey?: JourneyProgress | undefined;
  /** Stops of this session, counted from 1. */
  stops: number;
}

/** A session before its first launch. */
export function newContext(connection: Connection, host: Host): SessionContext {
  return {
    connection,
    host,
    stopPoints: newStopPoints(),
    console: new GuestConsole(
      (text, attached) => {
        if (attached) connection.event('xv6.consoleOutput', { text });
        else connection.event('output', { category: 'stdout', output: text });
      },
      (text, attached) => {
        if (attached) connection.event('xv6.consoleOutput', { text, replaces: true });
      },
    ),
    client: SILENT_CLIENT,
    hexadecimal: false,
    memoryViews: new Map(),
    snapshots: new SnapshotHistory(),
    attributes: {},
    answers: [],
    stops: 0,
  };
}

export type Body<R extends { body?: unknown }> = NonNullable<R['body']>;

export function requireSession(context: SessionContext): DebugRun {
  if (!context.running) throw new Error('No kernel has been launched.');
  return context.running;
}

/** For requests that look at the machine. */
export function requireStopped(context: SessionContext): DebugRun & { stopped: Stopped } {
  const running = requireSession(context);
  if (!context.stopped) throw new Error('The machine is running: pause it first.');
  return { ...running, stopped: context.stopped };
}

export { hartThread as threadOf } from '../stack/threads';

/**
 * The hart that a thread id of the protocol names; a process's id while it runs names one as well. Ids: see stack/threads.ts.
 */
export function hartNamed(context: SessionContext, threadId: number): number {
  const { debuggee } = requireSession(context);
  const thread = threadNamed(debuggee, threadId);
  if (thread.kind === 'hart') return thread.hart;
  throw new Error(`${processName(debuggee, thread.process)}: no hart runs it now, so this cannot be done to it.`);
}

export function say(
  context: SessionContext,
  text: string,
  category: DebugProtocol.OutputEvent['body']['category'] = 'console',
): void {
  context.connection.event('output', { category, output: text.endsWith('\n') ? text : `${text}\n` });
}
