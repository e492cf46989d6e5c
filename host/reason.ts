/** The system's reason for a failure, as in "no such file or directory, ENOENT". */
import { getSystemErrorName, getSystemErrorMap } from 'node:util';

export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errno } = error as NodeJS.ErrnoException;
  if (errno === undefined) return error.message;
  const words = getSystemErrorMap().get(errno)?.[1];
  return words === undefined ? error.message : `${words}, ${getSystemErrorName(errno)}`;
}
