/**
 * What is known of the guest kernel, by its own symbols and types. Each thing that the debugger can do with it is a
 * feature: a kernel that lacks what one needs has that one switched off, with a word of why, and loses nothing else.
 */
import type { PhysicalMemory } from '../../emulator/types';
import { functionOrLabelAt } from '../symbols/named-code';
import type { Binary, Location, ReadMemory, RecordType, Type, Variable } from '../symbols/api';
import { allocatorsOf, type AllocatorNames } from './allocators';
import { symbolFeatures, type Feature } from './features';
import { arrayOf, isPageTable, pageTableMembers, recordOf } from './structure';
import { findMember, plain, sizeOf } from '../expressions/types';
import { topPages, type TopPages } from './trampoline';

export interface ArrayPlace {
  record: RecordType;
  address: bigint;
  count: number;
  stride: number;
}

/** Names that kernels of different years give the same member. */
const MEMBERS = {
  trapframe: ['trapframe', 'tf'],
  channel: ['chan'],
  size: ['sz'],
  pagetable: ['pagetable'],
  kstack: ['kstack'],
} as const;

export type ReadAligned = (address: bigint) => bigint | undefined;

/** The guest kernel's data. Everything is read anew at each call: the machine moves between them. */
export interface Xv6 {
  readonly binary: Binary;
  /** Reads kernel addresses, which are physical ones for all of the kernel's data. */
  readonly read: ReadMemory;
  /** Reads an aligned 64-bit word in the same way, for those who ask often: without it, as bytes. */
  readonly readAligned?: ReadAligned | undefined;
  /** Reads over `bytes`, for those who read much and often; false, and nothing done, if not all can be read. */
  readonly readInto?: PhysicalMemory['readInto'] | undefined;
  readonly features: readonly Feature[];
  readonly proc?: ArrayPlace;
  readonly cpus?: ArrayPlace;
  /** struct trapframe, and the member of struct proc that points to one. */
  readonly trapframe?: { record: RecordType; member: string };
  /** Members of struct proc that are page tables besides the user's. */
  readonly kernelTableMembers: readonly string[];
  /** The member of struct proc that is the user page table. */
  readonly userTableMember?: string;
  /** Where the global kernel_pagetable lies. */
  readonly kernelPagetable?: bigint;
  /** Address of the function panic. */
  readonly panic?: bigint;
  /** The trampoline, and what lies below it. */
  readonly top: TopPages;
  /** The functions that allocate and free pages, by name. */
  readonly allocators: readonly AllocatorNames[];
}

/**
 * Looks a kernel over. `allocators`: those that the user names, beside kalloc and kfree. `read` is given kernel addresses: physical memory will do, since xv6 maps its data where it lies.
 * Never throws for what is missing.
 */
export function openXv6(
  binary: Binary,
  read: ReadMemory,
  {
    readAligned,
    readInto,
    allocators = [],
  }: Pick<Xv6, 'readAligned' | 'readInto'> & { allocators?: readonly AllocatorNames[] } = {},
): Xv6 {
  const features: Feature[] = [];
  const feature = <T>(name: Feature['name'], found: T | string): T | undefined => {
    if (typeof found !== 'string') {
      features.push({ name, available: true });
      return found;
    }
    const none = binary.debugInfoProblem ?? `${binary.path} has no debug information (build with -g)`;
    const stripped = binary.hasDebugInfo ? '' : `; ${none}`;
    features.push({ name, available: false, why: found + stripped });
    return undefined;
  };

  const proc = feature('processes', findArray(binary, 'proc', 'pid'));
  const cpus = feature('harts', findArray(binary, 'cpus', 'proc'));
  const tables = proc ? pageTableMembers(proc.record).map(({ name }) => name) : [];
  const userTableMember = tables.find((name) => name === 'pagetable') ?? tables[0];
  const trapframe = feature('trap frames', findTrapframe(proc));
  feature(
    'parked processes',
    proc && recordOf(memberType(proc.record, 'context') ?? { kind: 'void' }) ? true : 'struct proc has no context',
  );
  const kernelPagetable = feature('kernel table', findKernelTable(binary));
  const panic = feature('panic', binary.symbol('panic')?.address ?? 'there is no function panic');
  const top = topPages(binary);
  feature('trampoline', top.linked === undefined ? 'there is no symbol trampoline' : true);
  return {
    binary,
    top,
    read,
    readAligned,
    readInto,
    allocators: allocatorsOf(binary, allocators),
    features: [...features, ...symbolFeatures(binary)],
    kernelTableMembers: tables.filter((name) => name !== userTableMember),
    ...(proc && { proc }),
    ...(cpus && { cpus }),
    ...(trapframe && { trapframe }),
    ...(userTableMember !== undefined && { userTableMember }),
    ...(kernelPagetable !== undefined && { kernelPagetable }),
    ...(panic !== undefined && { panic }),
  };
}

const memberType = (record: RecordType, name: string): Type | undefined => findMember(record, name)?.member.type;

/** A global variable of the kernel: where it lies, and its type. */
export const globalOf = ({ binary }: Pick<Xv6, 'binary'>, name: string): { address: bigint; type: Type } | undefined =>
  globalAddress(binary, name);

/** The variable that covers an address, by the symbols; its type where the debug information has it. */
export function globalAt(
  { binary }: Pick<Xv6, 'binary'>,
  address: bigint,
): { name: string; offset: bigint; type: Type | undefined } | undefined {
  const found = binary.symbolAt(address);
  const { symbol, offset } = found ?? { symbol: undefined, offset: 0n };
  if (symbol?.kind !== 'object' || offset >= symbol.size) return undefined;
  // Two files may each have a static variable of one name.
  const variable = binary.globals.find((one) => one.name === symbol.name && placeOf(binary, one) === symbol.address);
  return { name: symbol.name, offset, type: variable?.type };
}

/** The structure that a type is or leads to, even where the file that uses it only declares it. */
export function recordIn({ binary }: Pick<Xv6, 'binary'>, type: Type): RecordType | undefined {
  const known = recordOf(type);
  if (known) return known;
  let bare = plain(type);
  if (bare.kind === 'array') bare = plain(bare.element);
  if (bare.kind === 'pointer') bare = plain(bare.target);
  const named = bare.kind === 'struct' && bare.name !== undefined ? binary.typeNamed(`struct ${bare.name}`) : undefined;
  return named && recordOf(named);
}

/** The function that begins at an address. */
export function functionName({ binary }: Pick<Xv6, 'binary'>, address: bigint): string | undefined {
  const found = functionOrLabelAt(binary, address);
  return found?.low === address ? found.name : undefined;
}

/** Where a global lies, if it lies in memory. */
function globalAddress(binary: Binary, name: string): { address: bigint; type: Type } | undefined {
  const variable = binary.global(name);
  const address = variable && placeOf(binary, variable);
  return variable && address !== undefined ? { address, type: variable.type } : undefined;
}

/** Where a variable lies, if it lies in memory. */
export function placeOf(binary: Binary, variable: Variable): bigint | undefined {
  const location: Location = binary.locate(variable, { pc: 0n, x: [] }, () => undefined);
  return location.kind === 'memory' ? location.address : undefined;
}

function findArray(binary: Binary, name: string, member: string): ArrayPlace | string {
  const global = globalAddress(binary, name);
  if (!global) return `there is no global variable ${name}`;
  const array = arrayOf(global.type);
  if (!array) return `${name} is not an array of structures`;
  if (!findMember(array.record, member)) return `struct ${array.record.name ?? name} has no member ${member}`;
  return { ...array, address: global.address };
}

function findTrapframe(proc: ArrayPlace | undefined): { record: RecordType; member: string } | string {
  if (!proc) return 'the processes are not known';
  const names = [
    ...MEMBERS.trapframe,
    ...proc.record.members.flatMap(({ name, type }) =>
      name !== undefined && plain(type).kind === 'pointer' && recordOf(type)?.name === 'trapframe' ? [name] : [],
    ),
  ];
  for (const member of names) {
    const type = memberType(proc.record, member);
    const record = type && plain(type).kind === 'pointer' ? recordOf(type) : undefined;
    if (record && findMember(record, 'epc')) return { record, member };
  }
  return 'struct proc has no pointer to a struct trapframe with an epc';
}

function findKernelTable(binary: Binary): bigint | string {
  const named = globalAddress(binary, 'kernel_pagetable');
  if (named) return named.address;
  const other = binary.globals.find(({ type }) => isPageTable(type));
  const found = other && globalAddress(binary, other.name);
  return found ? found.address : 'there is no global kernel_pagetable';
}

/** Reads a pointer-sized word of the kernel. */
export function readWord(xv6: Pick<Xv6, 'read'>, address: bigint): bigint | undefined {
  const bytes = xv6.read(address, 8);
  return bytes && new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
}

/** The same for one that is aligned, with as little work as can be. */
export const alignedWord = (xv6: Pick<Xv6, 'read' | 'readAligned'>, address: bigint): bigint | undefined =>
  xv6.readAligned === undefined ? readWord(xv6, address) : xv6.readAligned(address);

/** The element of an array that an address is the start of; undefined for any other address. */
export function indexIn(array: ArrayPlace, address: bigint): number | undefined {
  const index = Number(address - array.address) / array.stride;
  return Number.isInteger(index) && index >= 0 && index < array.count ? index : undefined;
}

/** Bytes of a whole array. */
export const arrayBytes = (xv6: Pick<Xv6, 'read'>, array: ArrayPlace): Uint8Array | undefined =>
  xv6.read(array.address, array.count * sizeOf(array.record));

const [ALLOCATOR, LIST] = ['kmem', 'freelist'];

/** The first page on each list of free pages: there is one, or one for each hart in some labs. Undefined without such a list. */
function freeLists(xv6: Pick<Xv6, 'binary' | 'read'>): { heads: (bigint | undefined)[]; next: number } | undefined {
  const global = globalOf(xv6, ALLOCATOR);
  if (!global) return undefined;
  const { count, record, stride } = arrayOf(global.type) ?? { count: 1, record: recordOf(global.type), stride: 0 };
  const list = record && plain(global.type).kind !== 'pointer' ? findMember(record, LIST) : undefined;
  if (!list) return undefined;
  const page = recordOf(list.member.type);
  const link = page?.members.find(({ type }) => plain(type).kind === 'pointer');
  return {
    heads: Array.from({ length: count }, (_, i) => readWord(xv6, global.address + BigInt(i * stride + list.offset))),
    next: link?.offset ?? 0,
  };
}

/**
 * Whether no page is free: by the list of free pages, or one for each hart in some labs. Undefined where the kernel has none by
 * that name.
 */
export const isOutOfMemory = (xv6: Pick<Xv6, 'binary' | 'read'>): boolean | undefined =>
  freeLists(xv6)?.heads.every((head) => head === 0n);

/** The first page on each list of free pages that has any. */
export const freeHeads = (xv6: Pick<Xv6, 'binary' | 'read'>): bigint[] =>
  freeLists(xv6)?.heads.flatMap((head) => (head === undefined || head === 0n ? [] : [head])) ?? [];

/** The pages on the lists of free pages. `broken`: where one leads that is no page, or was on a list already. */
export function freePages(xv6: Pick<Xv6, 'binary' | 'read'>): { pages: Set<number>; broken?: bigint } | undefined {
  const lists = freeLists(xv6);
  if (!lists) return undefined;
  const pages = new Set<number>();
  for (const head of lists.heads) {
    for (let at = head; at !== 0n; at = readWord(xv6, at + BigInt(lists.next))) {
      const page = at === undefined ? NaN : Number(at >> 12n);
      if (at === undefined || at & 0xfffn || pages.has(page) || xv6.read(at, 1) === undefined)
        return { pages, broken: at ?? 0n };
      pages.add(page);
    }
  }
  return { pages };
}
