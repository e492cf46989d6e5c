/** progressStart, progressUpdate and progressEnd events of the protocol, for clients that show them. */
import type { SessionContext } from '../context';

/** Says what is being done now. */
export type Tell = (message: string) => void;

/** One thing is in progress at a time: requests are answered one after the other. */
const PROGRESS_ID = 'start';

/** Does `work`, which tells of its steps. The progress ends with it, however it ends. */
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
