/**
 * The open files of a process, read by the kernel's own types: `ofile[]` of struct proc, struct file with its `type`, and
 * its inode, pipe or device. If a lab renames members, only the others are shown.
 */
import { hex } from '../../emulator/isa/hex';
import { findMember, plain, sizeOf } from '../expressions/types';
import type { OpenFile } from '../protocol';
import type { RecordType } from '../symbols/api';
import { functionName, globalOf, readWord, recordIn, type Xv6 } from './kernel';
import { allProcesses, type Process } from './processes';
import { Structure } from './structure';

/** Most files of a process; no kernel has more. */
const MOST_FILES = 256;

interface Opened {
  fd: number;
  file: Structure;
}

/** The open files of a process, by descriptor. Empty if struct proc has no array `ofile`. */
export function openFiles(xv6: Xv6, process: Pick<Process, 'address'>): OpenFile[] {
  return opened(xv6, process).map(({ fd, file }) => ({
    fd,
    address: hex(file.address),
    description: describe(xv6, file),
  }));
}

/** The inode number of a process's working directory. */
export function workingDirectory(xv6: Xv6, process: Pick<Process, 'address'>): number | undefined {
  const inode = pointedTo(xv6, structureOf(xv6, process), 'cwd');
  const number = inode?.number('inum');
  return number === undefined ? undefined : Number(number);
}

/** Pipes that any process has open. */
export function pipes(xv6: Xv6): { record: RecordType; address: bigint }[] {
  const found = new Map<bigint, RecordType>();
  for (const process of allProcesses(xv6)) {
    if (!process.used) continue;
    for (const { file } of opened(xv6, process)) {
      const member = findMember(file.type, 'pipe');
      const record = member && recordIn(xv6, member.member.type);
      const address = isPipe(file) ? file.number('pipe') : undefined;
      if (record && address) found.set(address, record);
    }
  }
  return [...found].map(([address, record]) => ({ address, record }));
}

const isPipe = (file: Structure): boolean => file.label('type')?.endsWith('PIPE') ?? false;

function structureOf(xv6: Xv6, { address }: Pick<Process, 'address'>): Structure | undefined {
  return xv6.proc && Structure.read(xv6.proc.record, address, xv6.read);
}

function opened(xv6: Xv6, process: Pick<Process, 'address'>): Opened[] {
  const member = xv6.proc && findMember(xv6.proc.record, 'ofile');
  const array = member && plain(member.member.type);
  const record = array?.kind === 'array' ? recordIn(xv6, array.element) : undefined;
  if (array?.kind !== 'array' || !record || sizeOf(array.element) !== 8) return [];
  const files: Opened[] = [];
  for (let fd = 0; fd < Math.min(array.count ?? 0, MOST_FILES); fd++) {
    const address = readWord(xv6, process.address + BigInt(member!.offset + 8 * fd));
    const file = address ? Structure.read(record, address, xv6.read) : undefined;
    if (file) files.push({ fd, file });
  }
  return files;
}

/** "inode 5 (file, 120 bytes) at offset 0, read", "device 1 (console), read and write", "pipe at 0x87f5a000, write end". */
function describe(xv6: Xv6, file: Structure): string {
  const type = file.label('type') ?? '';
  const access = accessOf(file);
  if (isPipe(file)) {
    const end = access === undefined ? '' : `, ${access} end`;
    return `pipe at 0x${(file.number('pipe') ?? 0n).toString(16)}${end}`;
  }
  const rest = access === undefined ? '' : `, ${access}`;
  if (type.endsWith('DEVICE')) return `${device(xv6, file.number('major'))}${rest}`;
  const inode = type.endsWith('INODE') ? pointedTo(xv6, file, 'ip') : undefined;
  if (!inode) return `${type.replace(/^FD_/, '').toLowerCase() || 'file'}${rest}`;
  const offset = file.number('off');
  return `${inodeText(inode)}${offset === undefined ? '' : ` at offset ${offset}`}${rest}`;
}

function inodeText(inode: Structure): string {
  const size = inode.number('size');
  const kind = ['', 'directory', 'file', 'device'][Number(inode.number('type') ?? 0n)] ?? '';
  const details = [kind, size === undefined ? '' : `${size} bytes`].filter((part) => part !== '').join(', ');
  return `inode ${inode.number('inum') ?? '?'}${details ? ` (${details})` : ''}`;
}

function accessOf(file: Structure): string | undefined {
  const can = [
    ['readable', 'read'],
    ['writable', 'write'],
  ].flatMap(([member, word]) => (file.number(member!) ? [word] : []));
  return can.length === 0 ? undefined : can.join(' and ');
}

/** Names a device by its driver's read function: devsw[1].read is consoleread. */
function device(xv6: Xv6, major: bigint | undefined): string {
  const table = major === undefined ? undefined : globalOf(xv6, 'devsw');
  const type = table && plain(table.type);
  const record = type?.kind === 'array' ? recordIn(xv6, type.element) : undefined;
  const inside = type?.kind === 'array' && Number(major) >= 0 && Number(major) < (type.count ?? Infinity);
  if (major === undefined || !table || !record || !inside) return `device ${major ?? '?'}`;
  const entry = Structure.read(record, table.address + major * BigInt(record.size), xv6.read);
  const read = entry?.number('read');
  const name = read ? functionName(xv6, read)?.replace(/_?read$/, '') : undefined;
  return `device ${major}${name ? ` (${name})` : ''}`;
}

function pointedTo(xv6: Xv6, structure: Structure | undefined, name: string): Structure | undefined {
  const found = structure && findMember(structure.type, name);
  const record = found && plain(found.member.type).kind === 'pointer' ? recordIn(xv6, found.member.type) : undefined;
  const address = structure?.number(name);
  return record && address ? Structure.read(record, address, xv6.read) : undefined;
}
