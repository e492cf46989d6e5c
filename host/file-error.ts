/** What is wrong with a file, in words, and as a kind for which a program may have advice. */
import { reason } from './reason';

export type FileProblem = 'missing' | 'forbidden' | 'irregular' | 'too large' | 'no disk' | 'in use' | 'other';

const PROBLEMS: Readonly<Record<string, FileProblem>> = {
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  EACCES: 'forbidden',
  EPERM: 'forbidden',
  EROFS: 'forbidden',
  ETXTBSY: 'in use',
};

export class FileError extends Error {
  constructor(
    path: string,
    readonly problem: FileProblem,
    why: string,
    what = 'cannot be read',
  ) {
    super(`${path} ${what}: ${why}.`);
  }

  /** From what the system, or this folder, has thrown. */
  static from(path: string, error: unknown, what?: string): FileError {
    if (error instanceof FileError) return error;
    const { code } = error as NodeJS.ErrnoException;
    const problem = PROBLEMS[code ?? ''] ?? 'other';
    return new FileError(path, problem, problem === 'missing' ? 'there is no such file' : reason(error), what);
  }
}
