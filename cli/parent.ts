/**
 * Notices that the program which started this one is gone. A make or an npx that is killed takes nobody with it, and an emulator
 * that went on would keep its disk image locked, unseen.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** Milliseconds between two looks. */
const EVERY = 500;

/** Calls `gone` once the program that started this one has ended. Returns what calls it off. */
export function whenParentIsGone(gone: () => void): () => void {
  // Which they are is decided once: a shell may go on as another program, and is there all the same.
  const line = parents();
  const timer = setInterval(() => {
    if (isWhole(line)) return;
    clearInterval(timer);
    gone();
  }, EVERY);
  timer.unref();
  return () => clearInterval(timer);
}

/** The parent of this process; of a shell that runs but this one command, as npx starts one, its own parent as well. */
function parents(): number[] {
  const found = [process.ppid];
  for (let next = parentOfShell(process.ppid); next !== undefined; next = parentOfShell(next)) found.push(next);
  return found;
}

/** Whether each is the parent of the one before, and the first of this process: the system gives an orphan another parent. */
const isWhole = (line: readonly number[]): boolean =>
  line.every((pid, index) => pid === (index === 0 ? process.ppid : parentOf(line[index - 1]!)));

/** Undefined if the process is no such shell, or if the system, not being Linux, has no /proc. */
function parentOfShell(pid: number): number | undefined {
  try {
    const [program = '', option] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return /^(ba|da|k|z)?sh$/.test(basename(program)) && option === '-c' ? parentOf(pid) : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined if there is no such process any more. */
function parentOf(pid: number): number | undefined {
  try {
    // After the name, which may have spaces and brackets in it: the state, and the parent.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
