/**
 * The requests to block devices that the driver has made and not taken back, read from a saved machine (virtio 1.2, sections 2.7
 * and 5.2.6): each is a chain of descriptors, a header of 16 bytes, the data, and a byte for the status.
 */
import { SavedState } from '../history/saved-state';
import type { PhysicalMemory, State } from '../types';
import type { DmaBuffer } from './virtqueue';

export interface HeldRequest {
  sector: bigint;
  /** The device writes to memory. */
  reads: boolean;
  data: readonly DmaBuffer[];
  /** Physical address of the status. */
  status: bigint;
  /** The device has answered it. */
  answered: boolean;
}

const DESCRIPTOR = 16;
const HEADER = 16;
const NEXT = 1;
/** Sectors are written by requests of this type, and read by those of type 0. */
const OUT = 1;

interface Descriptor extends DmaBuffer {
  next: number | undefined;
}

/** `state`: of a machine between two runs, as in a checkpoint. A disk that the driver has not set up holds none. */
export function heldRequests(state: State, memory: PhysicalMemory): HeldRequest[] {
  return new SavedState('machine', state).list('devices').flatMap((device) => {
    if (!isBlockDevice(device)) return [];
    const saved = new SavedState('disk', device);
    const [queue] = saved.records('queues');
    const pending = saved.record('model').records('pending');
    const working = new Set(pending.map((one) => one.record('chain').count('head')));
    if (!queue || queue.raw('rings') === null) return [];
    return requestsIn(memory, queue.record('rings').bigint('descriptors'), queue.count('entries'), working);
  });
}

function isBlockDevice(state: State): boolean {
  if (typeof state !== 'object' || state === null || Array.isArray(state) || state instanceof Uint8Array) return false;
  const { model, queues } = state;
  return Array.isArray(queues) && typeof model === 'object' && model !== null && 'pending' in model;
}

function requestsIn(
  memory: PhysicalMemory,
  table: bigint,
  entries: number,
  working: ReadonlySet<number>,
): HeldRequest[] {
  const found = Array.from({ length: entries }, (_, head) => requestAt(memory, table, entries, head));
  return found.flatMap((request, head) => (request ? [{ ...request, answered: !working.has(head) }] : []));
}

/** A driver clears descriptors that it takes back, and only a header begins a request. */
function requestAt(
  memory: PhysicalMemory,
  table: bigint,
  entries: number,
  head: number,
): Omit<HeldRequest, 'answered'> | undefined {
  const chain: Descriptor[] = [];
  for (let index: number | undefined = head; index !== undefined && chain.length < entries;) {
    const one = descriptorAt(memory, table, index);
    if (one === undefined || one.length === 0) return undefined;
    chain.push(one);
    index = one.next;
  }
  const [first, ...data] = chain;
  const status = data.pop();
  const header = first?.length === HEADER ? memory.read(first.address, HEADER) : undefined;
  if (header === undefined || status?.length !== 1 || data.length === 0) return undefined;
  const view = new DataView(header.buffer, header.byteOffset);
  const request = { sector: view.getBigUint64(8, true), reads: view.getUint32(0, true) !== OUT };
  return { ...request, data: data.map(({ address, length }) => ({ address, length })), status: status.address };
}

function descriptorAt(memory: PhysicalMemory, table: bigint, index: number): Descriptor | undefined {
  const bytes = memory.read(table + BigInt(DESCRIPTOR * index), DESCRIPTOR);
  if (!bytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const next = (view.getUint16(12, true) & NEXT) !== 0 ? view.getUint16(14, true) : undefined;
  return { address: view.getBigUint64(0, true), length: view.getUint32(8, true), next };
}
