/**
 * The locks that QEMU takes on a disk image, so that two machines never write to one: block/file-posix.c and
 * include/block/block-common.h of QEMU 7.2. A machine that writes holds a read lock on a byte for each thing it does
 * (100 + n) and on one for each that it does not share with others (200 + n), and then finds out whether anybody else
 * holds one that forbids it.
 *
 * Node cannot lock. But such a lock belongs to the open file, not to a process: so a small program in Perl, without which no
 * xv6 is built, is handed the open file, locks it and ends. The lock is gone when this process closes the file, however it
 * ends.
 */
import * as fs from 'node:fs';
import type * as ChildProcess from 'node:child_process';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { FileError } from './file-error';
import { reason, reasonOf } from './reason';

/** Exit status of the script: another holds a lock. With any other than 0 it is the number of the system's error. */
const TAKEN = 250;
/** Milliseconds for the script. */
const PATIENCE = 5000;
/** Where the script finds the open file. */
const INHERITED = 3;

/**
 * Of Linux's <fcntl.h> and <errno.h>, as Perl's own modules take as long to load as all else: F_OFD_GETLK, F_OFD_SETLK, F_RDLCK,
 * F_WRLCK, F_UNLCK. The bytes: 100 consistent read, 101 write;
 * 200 and 201, that these are not shared.
 */
const AS_QEMU = `
my ($GETLK, $SETLK, $RDLCK, $WRLCK, $UNLCK) = (36, 37, 0, 1, 2);
my ($EAGAIN, $EACCES) = (11, 13);
open(my $image, '+<&=', ${INHERITED}) or exit $!;
sub lock_byte {
  my ($command, $type, $byte) = @_;
  my $lock = pack('s s x4 q q l x4', $type, 0, $byte, 1, 0);
  return (unpack('s', $lock))[0] if fcntl($image, $command, $lock);
  exit($! == $EAGAIN || $! == $EACCES ? ${TAKEN} : $!);
}
lock_byte($SETLK, $RDLCK, $_) for 100, 101, 201;
for my $byte (101, 200, 201) { exit ${TAKEN} if lock_byte($GETLK, $WRLCK, $byte) != $UNLCK }
`;

/** Where there are no such locks QEMU takes none; the machines of this project exclude one another. */
export const AMONG_US = `
use Errno;
use Fcntl ':flock';
open(my $image, '+<&=', ${INHERITED}) or exit $!;
exit 0 if flock($image, LOCK_EX | LOCK_NB);
exit($!{EWOULDBLOCK} ? ${TAKEN} : $!);
`;

/**
 * Locks an open image for a machine that writes. Rejects with a FileError that says who holds it, if another does. Resolves to
 * why it could not be locked, if the host or the file's system cannot do that: then it is used without.
 */
export async function lockImage(
  path: string,
  descriptor: number,
  script = scriptOf(process.platform),
): Promise<string | undefined> {
  if (script === undefined) return undefined;
  const failure = await failureOf(script, descriptor);
  if (failure === undefined) return undefined;
  if (failure === TAKEN || isLocked(fs.fstatSync(descriptor))) throw inUse(path);
  const because = typeof failure === 'string' ? failure : reasonOf(failure);
  return `${path} cannot be locked (${because}): see to it yourself that no other machine writes to it.`;
}

/** Runs a script: undefined if it has locked the image, else its exit status, or why it could not do anything. */
function failureOf(script: string, descriptor: number): Promise<number | string | undefined> {
  // Only who locks pays for loading it.
  const { spawn } = createRequire(__filename)('node:child_process') as typeof ChildProcess;
  return new Promise<number | string | undefined>((resolve, reject) => {
    const child = spawn('perl', ['-e', script], {
      // Nothing that is set for Perl elsewhere.
      ...{ env: { PATH: process.env.PATH }, timeout: PATIENCE, stdio: ['ignore', 'ignore', 'ignore', descriptor] },
    });
    child.on('error', reject);
    child.on('exit', (status) => resolve(status === 0 ? undefined : (status ?? 'perl does not end')));
  }).catch((error: unknown) => `perl: ${reason(error)}`);
}

function scriptOf(platform: NodeJS.Platform): string | undefined {
  if (platform === 'win32') return undefined;
  return platform === 'linux' ? AS_QEMU : AMONG_US;
}

function inUse(path: string): FileError {
  const holders = holdersOf(path);
  const who = holders.length > 0 ? holders.join(' and ') : 'another process';
  return new FileError(path, 'in use', `${who} has it locked`, 'is in use');
}

/** Without a lock of one's own, those of others can still be seen: Linux's proc(5) on /proc/locks. */
function isLocked({ dev, ino }: fs.Stats): boolean {
  const hex = (number: number): string => number.toString(16).padStart(2, '0');
  // makedev(3) as the kernel puts it into 64 bits, of which these are the lower.
  const file = `${hex((dev >> 8) & 0xfff)}:${hex((dev & 0xff) | ((dev >> 12) & 0xfff00))}:${ino}`;
  const locks = readText('/proc/locks') ?? '';
  return locks.split('\n').some((lock) => lock.includes('OFDLCK') && lock.split(/\s+/).includes(file));
}

/** "qemu-system-riscv64 (process 1234)": who has a lock on a file, as far as this user may see it. */
function holdersOf(path: string): string[] {
  const real = fs.realpathSync(path);
  return list('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      const holds = list(`/proc/${pid}/fd`).some(
        (descriptor) =>
          linkTarget(`/proc/${pid}/fd/${descriptor}`) === real &&
          (readText(`/proc/${pid}/fdinfo/${descriptor}`) ?? '').includes('lock:'),
      );
      return holds && Number(pid) !== process.pid ? [`${programOf(pid)} (process ${pid})`] : [];
    });
}

/** A program's name, and for one in JavaScript that of its script as well. */
function programOf(process: string): string {
  const [program = '?', ...words] = (readText(`/proc/${process}/cmdline`) ?? '').split('\0');
  const script = /^(node|code|electron)/.test(basename(program)) && words.find((word) => /^[^-]/.test(word));
  return [program, ...(script ? [script] : [])].map((path) => basename(path)).join(' ');
}

// Processes end while they are looked at, and those of others may not be.
function list(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return fs.readlinkSync(path);
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
