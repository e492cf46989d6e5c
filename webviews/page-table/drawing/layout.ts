/**
 * Where the boxes of an address space's drawing lie, as in figures 3.3 and 3.4 of the xv6 book: address 0 is at the bottom. What is
 * mapped is as high as the logarithm of its size; gaps, which are a thousand times larger, are all of one height.
 */
import { PTE, type AddressArea } from '../../../debug-adapter/protocol';

/** Pixels: of one page, of each doubling, of a gap. */
const PAGE = 26;
const DOUBLING = 7;
const GAP = 26;
/** Above the first box and below the last: half a line for the address at its border. */
const MARGIN = 12;

export interface Box {
  /** The same for the same area at every stop. */
  key: string;
  area: AddressArea;
  y: number;
  height: number;
  /** Neither mapped nor named. */
  isGap: boolean;
  /** One of the areas that a pattern is made of. */
  isPart: boolean;
  /** Of a pattern: whether its parts are drawn below it. */
  isUnfolded: boolean;
}

export interface Layout {
  /** From the highest address down. */
  boxes: Box[];
  height: number;
}

/** `unfolded`: the keys of patterns whose parts are drawn. */
export function layoutOf(areas: readonly AddressArea[], unfolded: ReadonlySet<string>): Layout {
  const boxes: Box[] = [];
  let y = MARGIN;
  const add = (key: string, area: AddressArea, isPart: boolean, isUnfolded: boolean): void => {
    const height = heightOf(area);
    boxes.push({ key, area, y, height, isGap: isGap(area), isPart, isUnfolded });
    y += height;
  };
  for (const area of areas.toReversed()) {
    const key = area.va;
    const isUnfolded = area.parts !== undefined && unfolded.has(key);
    add(key, area, false, isUnfolded);
    if (isUnfolded) for (const part of area.parts!.toReversed()) add(`${key}/${part.va}`, part, true, false);
  }
  return { boxes, height: y + MARGIN };
}

const isGap = ({ flags, region, problem }: AddressArea): boolean =>
  flags === 0 && region === undefined && problem === undefined;

function heightOf(area: AddressArea): number {
  if (isGap(area)) return GAP;
  return Math.round(PAGE + DOUBLING * Math.log2(Math.max(1, area.pages)));
}

/** What a box is called: "kernel text", "guard page", "64 × kernel stack and guard page". */
export function titleOf({ region, flags, repeats, merged, problem }: AddressArea): string {
  const name = region
    ?.replace(/(guard page) below the (user|kernel) stack( of .*)?$/, '$1')
    .replace(/^user (?=text|data|stack)/, '');
  if (repeats !== undefined) return `${repeats} × ${name ?? 'page'}`;
  if (merged !== undefined) return `${merged.toLocaleString('en')} mappings`;
  return name ?? (flags === 0 ? (problem === undefined ? 'not mapped' : 'broken') : 'mapped');
}

/** "R-XU": what the leaves allow; nothing where nothing is mapped. */
export const permissionsOf = ({ flags }: AddressArea): string =>
  flags & PTE.V ? (['R', 'W', 'X', 'U'] as const).map((letter) => (flags & PTE[letter] ? letter : '-')).join('') : '';

/** "128 KiB", "1.5 MiB". */
export function sizeOf(pages: number): string {
  let [size, unit] = [pages * 4, 'KiB'];
  for (const larger of ['MiB', 'GiB']) if (size >= 1024) [size, unit] = [size / 1024, larger];
  return `${Number(size.toFixed(size < 10 ? 1 : 0))} ${unit}`;
}

/** Where it leads: "= physical", "→ 0x87f64000". */
export function targetOf({ va, pa, flags, parts, merged }: AddressArea): string {
  if (!(flags & PTE.V)) return '';
  if (pa === va) return '= physical';
  if (pa !== undefined) return `→ ${pa}`;
  return parts === undefined && merged === undefined ? '→ scattered frames' : '';
}

/** By what it is coloured. */
export type Tint = 'gap' | 'guard' | 'code' | 'data' | 'device' | 'read' | 'broken';

export function tintOf({ region = '', flags, problem, va }: AddressArea): Tint {
  if (problem !== undefined) return 'broken';
  if (region.startsWith('guard page')) return 'guard';
  if (!(flags & PTE.V)) return region === '' ? 'gap' : 'guard';
  if (flags & PTE.X) return 'code';
  if (BigInt(va) < 0x8000_0000n && !(flags & PTE.U) && DEVICE.test(region)) return 'device';
  return flags & PTE.W ? 'data' : 'read';
}

const DEVICE = /^(boot ROM|test finisher|RTC|CLINT|PLIC|UART|virtio|PCIe)/;

/** In words, for a screen reader and for the details. */
export function describe(area: AddressArea): string {
  const { va, last, pages, problem, region } = area;
  const count = `${pages.toLocaleString('en')} ${pages === 1 ? 'page' : 'pages'}, ${sizeOf(pages)}`;
  const may = permissionsOf(area);
  return [
    region === undefined || area.repeats !== undefined ? titleOf(area) : region,
    `${va} to ${last}`,
    count,
    may,
    targetOf(area),
    problem,
  ]
    .filter(Boolean)
    .join('; ');
}
