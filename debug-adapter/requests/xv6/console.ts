/** The guest's console: `xv6.attachConsole` and `xv6.consoleInput`. */
import type { Requests } from '../../protocol';
import { requireSession, type SessionContext } from '../context';

export function attachConsole(context: SessionContext): Requests['xv6.attachConsole']['response'] {
  return { text: context.console.attach() };
}

/**
 * The guest receives keys typed while the machine is stopped when it continues; those typed while it runs through its past
 * when it comes to the present.
 */
export function consoleInput(
  context: SessionContext,
  { text }: Requests['xv6.consoleInput']['arguments'],
): Requests['xv6.consoleInput']['response'] {
  const { keyboard, runner, past } = requireSession(context);
  keyboard.type(text, past.isPast && runner.running);
  runner.wake();
  return {};
}
