/** The protocol's progressStart, progressUpdate and progressEnd events, for clients that support them. */
import type { SessionContext } from '../context';

/** Reports the current step, or how much is done, from 0 to 1. */
export type Tell = (message: string | undefined, part?: number) => void;

/**
 * Milliseconds after which a client is told of a journey through the past; most are shorter. A client waits some more before it
 * shows anything, VS Code half a second. And between two reports.
 */
const NOTICE = 100;
const REPORT = 250;

/** Counts what was in progress: only one thing is at a time, since requests run one after the other. */
let count = 0;

/** Runs `work`, which reports its steps. The progress ends with it, also if it throws. `cancel` ends the work early. */
export async function inProgress<T>(
  { client, connection }: Pick<SessionContext, 'client' | 'connection'>,
  title: string,
  work: (tell: Tell) => Promise<T>,
  cancel?: () => void,
): Promise<T> {
  const progressId = `progress ${++count}`;
  const event = (name: string, body: object): void => {
    if (client.progress) connection.event(name, { progressId, ...body });
  };
  if (cancel) connection.whenCancelled(progressId, cancel);
  event('progressStart', { title, cancellable: cancel !== undefined });
  try {
    return await work((message, part) =>
      event('progressUpdate', {
        ...(message !== undefined && { message }),
        ...(part !== undefined && { percentage: Math.floor(100 * part) }),
      }),
    );
  } finally {
    event('progressEnd', {});
  }
}

/** The progress of a journey through the past, which no request waits for. */
export interface JourneyProgress {
  readonly progressId: string;
  /** The machine stands again. */
  end(): void;
}

/** Tells of a journey from now on, if it takes long. `where` says how far it is. */
export function followJourney(
  { client, connection, host }: Pick<SessionContext, 'client' | 'connection' | 'host'>,
  title: string,
  where: () => string,
): JourneyProgress {
  const progressId = `progress ${++count}`;
  const event = (name: string, body: object): void => {
    if (client.progress) connection.event(name, { progressId, ...body });
  };
  let isTold = false;
  const report = (): void => {
    if (!isTold) event('progressStart', { title, cancellable: true });
    isTold = true;
    event('progressUpdate', { message: where() });
    callOff = host.clock.later(REPORT, report);
  };
  let callOff = host.clock.later(NOTICE, report);
  return {
    progressId,
    end: () => {
      callOff();
      if (isTold) event('progressEnd', {});
    },
  };
}
