/** The protocol's progressStart, progressUpdate and progressEnd events, for clients that support them. */
import type { SessionContext } from '../context';

/** Reports the current step. */
export type Tell = (message: string) => void;

/** Only one thing is in progress at a time, since requests run one after the other. */
const PROGRESS_ID = 'start';

/** Runs `work`, which reports its steps. The progress ends with it, also if it throws. */
export async function inProgress<T>(
  { client, connection }: Pick<SessionContext, 'client' | 'connection'>,
  title: string,
  work: (tell: Tell) => Promise<T>,
): Promise<T> {
  const progressId = PROGRESS_ID;
  const event = (name: string, body: object): void => {
    if (client.progress) connection.event(name, { progressId, ...body });
  };
  event('progressStart', { title, cancellable: false });
  try {
    return await work((message) => event('progressUpdate', { message }));
  } finally {
    event('progressEnd', {});
  }
}
