/**
 * Errors that are thrown on purpose, with words for whoever reads them, and all others: what the language, the system or a
 * library throws is a defect of the debugger, and its words are for whoever mends it, in the log.
 */

/** An error that the client should show to the user as a notification. */
export class UserError extends Error {}

/** Whether an error was thrown unawares: what is thrown on purpose is an Error, or of a class of ours, which keep its name. */
const isDefect = (error: unknown): boolean => !(error instanceof Error) || error.name !== 'Error' || 'code' in error;

/** What an error says that was thrown on purpose. Throws any other again, for the outermost to report. */
export function wordsOf(error: unknown): string {
  if (isDefect(error)) throw error;
  return (error as Error).message;
}

/** What a user is told of an error that stopped the debugger from doing something, such as "evaluate"; a defect goes to the log. */
export function reported(error: unknown, what: string, log: (text: string) => void): string {
  return isDefect(error) ? defect(error, what, log) : (error as Error).message;
}

/** What a user is told of a defect, whose details go to the log. */
export function defect(error: unknown, what: string, log: (text: string) => void): string {
  log(`Defect in ${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return `${what} failed because of a defect of xv6 Debug, not of your program. Please report it, with what the debug adapter's log says.`;
}
