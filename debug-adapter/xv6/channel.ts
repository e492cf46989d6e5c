/**
 * Names what a process sleeps on as a C expression: xv6's `sleep(chan, lock)` accepts any address as a channel, usually the
 * address of the awaited object, which the kernel's symbols and types can name.
 */
import { hex } from '../../emulator/isa/hex';
import { findMember, plain, sizeOf } from '../expressions/types';
import type { RecordType, Type } from '../symbols/api';
import { globalAt, indexIn, type Xv6 } from './kernel';
import { pipes } from './open-files';
import { allProcesses } from './processes';
import { Structure } from './structure';

/** `&ticks`, `&bcache.buf[3].lock`, `&proc[0] (wait of pid 1)`, `nread of the pipe at 0x87f5a000`; or the bare address. */
export function channelName(xv6: Xv6, channel: bigint): string {
  const slot = xv6.proc && indexIn(xv6.proc, channel);
  if (slot !== undefined) {
    const owner = allProcesses(xv6)[slot];
    return `&proc[${slot}]${owner?.used ? `, the wait channel of pid ${owner.pid}` : ''}`;
  }
  const name = globalName(xv6, channel);
  return name === undefined ? (pipe(xv6, channel) ?? hex(channel)) : `&${name}`;
}

/** What lies at an address of the kernel's data, by its name: `bcache.buf[3].lock`, `kmem + 24`. */
export const globalName = (xv6: Pick<Xv6, 'binary'>, address: bigint): string | undefined =>
  nameAt(xv6, address, pathTo);

/** The same of what is no structure and no array: `bcache.buf[3].lock.locked`. */
export const scalarName = (xv6: Pick<Xv6, 'binary'>, address: bigint): string | undefined =>
  nameAt(xv6, address, (type, offset) => pathTo(type, offset, true));

function nameAt(
  xv6: Pick<Xv6, 'binary'>,
  address: bigint,
  pathOf: (type: Type, offset: number) => string | undefined,
): string | undefined {
  const found = globalAt(xv6, address);
  if (!found) return undefined;
  const path = found.type && pathOf(found.type, Number(found.offset));
  if (path !== undefined) return `${found.name}${path}`;
  return found.offset === 0n ? found.name : `${found.name} + ${found.offset}`;
}

/**
 * The pid that holds the lock on which one sleeps: of a structure that says whether it is `locked` and by which `pid`, as xv6's sleep
 * locks do. Undefined for any other channel, also for what begins with such a lock, and for a lock that nobody holds.
 */
export function holderOf(xv6: Pick<Xv6, 'binary' | 'read'>, channel: bigint): number | undefined {
  const found = globalAt(xv6, channel);
  const type = found?.type && structureAt(found.type, Number(found.offset));
  const lock = type && isSleepLock(type) ? Structure.read(type, channel, xv6.read) : undefined;
  const pid = lock?.number('locked') ? lock.number('pid') : undefined;
  return pid === undefined || pid === 0n ? undefined : Number(pid);
}

const isSleepLock = (type: RecordType): boolean =>
  findMember(type, 'locked') !== undefined && findMember(type, 'pid') !== undefined;

function pipe(xv6: Xv6, address: bigint): string | undefined {
  for (const { record, address: start } of pipes(xv6)) {
    if (address < start || address >= start + BigInt(record.size)) continue;
    const path = pathTo(record, Number(address - start));
    const member = path ? `${path.replace(/^\./, '')} of ` : '';
    return `${member}the pipe at ${hex(start)}`;
  }
  return undefined;
}

/**
 * The path from a value to the member at a byte offset: ".buf[3].lock", "" for the value itself. The start of an array is its
 * first element, the start of a structure is the structure, or with `toScalar` its first member. Undefined if no member starts there.
 */
export function pathTo(type: Type, offset: number, toScalar = false): string | undefined {
  const bare = plain(type);
  if (bare.kind === 'array') {
    const size = sizeOf(bare.element);
    if (size === 0 || (bare.count !== undefined && offset >= size * bare.count)) return undefined;
    const rest = pathTo(bare.element, offset % size, toScalar);
    return rest === undefined ? undefined : `[${Math.floor(offset / size)}]${rest}`;
  }
  // Which member of a union was meant is not known.
  if (offset === 0 && !(bare.kind === 'struct' && toScalar)) return '';
  if (bare.kind !== 'struct' && bare.kind !== 'union') return undefined;
  for (const member of bare.members) {
    const within = offset - member.offset;
    if (member.bitSize !== undefined || within < 0 || within >= Math.max(sizeOf(member.type), 1)) continue;
    const rest = pathTo(member.type, within, toScalar);
    if (rest !== undefined) return member.name === undefined ? rest : `.${member.name}${rest}`;
  }
  return undefined;
}

/** The outermost structure that begins at a byte offset in a value. */
function structureAt(type: Type, offset: number): RecordType | undefined {
  const bare = plain(type);
  if (bare.kind === 'array') {
    const size = sizeOf(bare.element);
    return size === 0 ? undefined : structureAt(bare.element, offset % size);
  }
  if (bare.kind !== 'struct' || !bare.complete) return undefined;
  if (offset === 0) return bare;
  const member = bare.members.find((one) => offset >= one.offset && offset < one.offset + sizeOf(one.type));
  return member && structureAt(member.type, offset - member.offset);
}
