/**
 * The page-table entries that the frames of a stop are about: those that a variable points to or holds, and, where it is
 * optimized out, those at which the walk of an address of the frame ends in a table of the frame.
 */
import {
  ENTRIES,
  isCanonical,
  isPointer,
  PAGE_SIZE,
  PTE,
  pteFlags,
  ptePhysical,
  walk,
  type Walk,
  pageOf,
} from '../../emulator/isa/sv39';
import type { GuestKernel } from '../xv6/address-spaces';
import type { FrameValue } from './frame-values';
import type { Entry, EntryPlaces } from './entries';

export interface FoundEntry extends Entry {
  /** What it is found by, as the source names it: "pte", "va in pagetable". */
  readonly by: string;
  /** The entry now. */
  readonly pte: bigint;
}

/** What variables are called that hold a virtual address, where several may. */
const ADDRESS_NAMES = /^(a|i|addr\w*|\w*va\d*|\w*va\w*addr)$/i;

/** Those of a frame, the most certain first. */
export function entriesIn(guest: GuestKernel, places: EntryPlaces, values: readonly FrameValue[]): FoundEntry[] {
  const found = new Map<bigint, FoundEntry>();
  const add = (entry: FoundEntry | undefined): void => {
    if (entry !== undefined && !found.has(entry.address)) found.set(entry.address, entry);
  };
  for (const one of values) if (one.kind === 'entry pointer') add(pointedAt(guest, places, one));
  for (const one of values) if (one.kind === 'entry') add(held(guest, places, one, values));
  if (found.size === 0) for (const one of walked(guest, places, values)) add(one);
  return [...found.values()];
}

/** The entry of a table of the frame that leads to a page; undefined where none does, or several. */
export function entryLeadingTo(
  guest: GuestKernel,
  places: EntryPlaces,
  values: readonly FrameValue[],
  page: bigint,
): FoundEntry | undefined {
  const leads = ({ pte }: FoundEntry): boolean =>
    (pteFlags(pte) & PTE.V) !== 0 && !isPointer(pteFlags(pte)) && ptePhysical(pte) === page;
  const own = entriesIn(guest, places, values).filter(leads);
  if (own.length > 0) return own[0];
  const inTables = values
    .filter(({ kind }) => kind === 'table')
    .flatMap((table) => {
      const matching = matches(guest, table.value, (pte) => (pte & BigInt(PTE.V)) !== 0n && ptePhysical(pte) === page);
      const [only] = matching;
      const entry =
        matching.length === 1
          ? entryAt(guest, places, table.value + BigInt(8 * only!), `${table.name}[${only}]`)
          : undefined;
      return entry !== undefined && leads(entry) ? [entry] : [];
    });
  return inTables[0];
}

/** The walk that ends at an entry or above it. */
export const walkOf = ({ machine }: GuestKernel, { table, va }: Pick<FoundEntry, 'table' | 'va'>): Walk =>
  walk(table.root, va, (at) => machine.memory.readU64(at));

export function entryAt(guest: GuestKernel, places: EntryPlaces, address: bigint, by: string): FoundEntry | undefined {
  const place = places.at(address);
  const pte = guest.machine.memory.readU64(address);
  return place && pte !== undefined ? { by, ...place, pte } : undefined;
}

const pointedAt = (guest: GuestKernel, places: EntryPlaces, { name, value }: FrameValue): FoundEntry | undefined =>
  entryAt(guest, places, value, name);

/** Where the entry lies of which a variable has a copy: in a table of the frame, if there is but one such. */
function held(
  guest: GuestKernel,
  places: EntryPlaces,
  { name, value }: FrameValue,
  values: readonly FrameValue[],
): FoundEntry | undefined {
  if (value === 0n) return undefined;
  for (const table of values.filter(({ kind }) => kind === 'table')) {
    const matching = matches(guest, table.value, (pte) => pte === value);
    if (matching.length === 1) return entryAt(guest, places, table.value + BigInt(8 * matching[0]!), name);
  }
  return undefined;
}

/** The entries at which walks end of the frame's addresses in its tables. */
function walked(guest: GuestKernel, places: EntryPlaces, values: readonly FrameValue[]): FoundEntry[] {
  const addresses = values.filter(({ kind, value }) => kind === 'address' && isCanonical(value));
  const named = addresses.filter(({ name }) => ADDRESS_NAMES.test(name));
  const meant =
    named.length > 0 ? named : addresses.filter(({ value }) => value >= PAGE_SIZE && value % PAGE_SIZE === 0n);
  // What a loop has come to is a local; where it began is a parameter.
  const ordered = [
    ...meant.filter(({ isParameter }) => !isParameter),
    ...meant.filter(({ isParameter }) => isParameter),
  ];
  const tables = values.flatMap((table) => {
    const page = table.kind === 'table' ? places.at(table.value) : undefined;
    return page?.table.root === table.value ? [{ name: table.name, table: page.table }] : [];
  });
  return tables.flatMap(({ name, table }) =>
    ordered.flatMap((address) => {
      const last = walkOf(guest, { table, va: address.value }).steps.at(-1);
      if (last?.pte === undefined) return [];
      const { level, index: at, pteAddress, pte } = last;
      return [
        { by: `${address.name} in ${name}`, table, va: address.value, level, index: at, address: pteAddress, pte },
      ];
    }),
  );
}

/** Indices of a table's page at which the entry is wanted. */
function matches({ machine }: GuestKernel, page: bigint, isWanted: (pte: bigint) => boolean): number[] {
  if (page !== pageOf(page)) return [];
  const bytes = machine.memory.read(page, Number(PAGE_SIZE));
  if (bytes === undefined) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: ENTRIES }, (_, at) => at).filter((at) => isWanted(view.getBigUint64(8 * at, true)));
}
