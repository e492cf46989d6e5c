/** The guest's console: `xv6.attachConsole` and `xv6.consoleInput`. */
import type { Requests } from '../../protocol';
import { requireSession, type SessionContext } from '../context';

export function attachConsole(context: SessionContext): Requests['xv6.attachConsole']['response'] {
  return { text: context.console.attach() };
}

/** The guest receives keys typed while the machine is stopped when it continues. */
export function consoleInput(
  context: SessionContext,
  { text }: Requests['xv6.consoleInput']['arguments'],
): Requests['xv6.consoleInput']['response'] {
  const { keyboard, runner } = requireSession(context);
  keyboard.type(text);
  runner.wake();
  return {};
}
