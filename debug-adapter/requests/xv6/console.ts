/** The guest's console: `xv6.attachConsole`, `xv6.consoleInput`, and the events that carry its output. */
import type { Connection } from '../../dap/connection';
import { GuestConsole } from '../../launch/guest-console';
import type { Requests } from '../../protocol';
import { requireSession, type SessionContext } from '../context';

export const guestConsole = (connection: Connection): GuestConsole =>
  new GuestConsole((text, attached) => {
    if (attached) connection.event('xv6.consoleOutput', { text });
    else connection.event('output', { category: 'stdout', output: text });
  });

export function attachConsole(context: SessionContext): Requests['xv6.attachConsole']['response'] {
  return { text: context.console.attach() };
}

/** The guest receives keys typed while the machine is stopped when it continues. */
export function consoleInput(
  context: SessionContext,
  { text }: Requests['xv6.consoleInput']['arguments'],
): Requests['xv6.consoleInput']['response'] {
  if (typeof text !== 'string') throw new Error('xv6.consoleInput needs "text".');
  const { keyboard, runner } = requireSession(context);
  keyboard.type(text);
  runner.wake();
  return {};
}
