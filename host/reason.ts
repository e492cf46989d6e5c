/** The system's reason for a failure, in few words: "no such file", "permission denied (EACCES)". */
import { getSystemErrorName, getSystemErrorMap } from 'node:util';

export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errno } = error as NodeJS.ErrnoException;
  if (errno === undefined) return error.message;
  const words = getSystemErrorMap().get(errno)?.[1];
  return words === undefined ? error.message : `${words}, ${getSystemErrorName(errno)}`;
}
