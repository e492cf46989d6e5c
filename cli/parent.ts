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
  // The system gives an orphan another parent.
  const before = parents().join();
  const timer = setInterval(() => {
    if (parents().join() === before) return;
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

/** Undefined if the process is no such shell, or if the system, not being Linux, has no /proc. */
function parentOfShell(pid: number): number | undefined {
  try {
    const [program = '', option] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    if (!/^(ba|da|k|z)?sh$/.test(basename(program)) || option !== '-c') return undefined;
    // After the name, which may have spaces and brackets in it: the state, and the parent.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
