/** The system's reason for a failure, as in "no such file or directory, ENOENT". */
import { constants } from 'node:os';
import { getSystemErrorName, getSystemErrorMap } from 'node:util';

export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errno } = error as NodeJS.ErrnoException;
  if (errno === undefined) return error.message;
  return wordsOf(errno) ?? error.message;
}

/** The system's reason by the number of its error, as C's errno has it. */
export function reasonOf(errno: number): string {
  // Node has words for some only.
  const name = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0];
  return wordsOf(-errno) ?? name ?? `error ${errno}`;
}

function wordsOf(errno: number): string | undefined {
  const words = getSystemErrorMap().get(errno)?.[1];
  return words && `${words}, ${getSystemErrorName(errno)}`;
}
