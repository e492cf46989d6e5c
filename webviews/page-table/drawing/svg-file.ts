/**
 * The drawing of an address space as an SVG file (SVG 1.1) that stands alone, for reports: dark on white, whatever the theme. The
 * text in it comes from a guest.
 */
import type { AddressArea } from '../../../debug-adapter/protocol';
import { type Box, layoutOf, permissionsOf, sizeOf, targetOf, type Tint, tintOf, titleOf } from './layout';

/** Columns, in pixels: the addresses end here, the boxes begin and end, and what is said beside them ends. */
export const COLUMNS = { address: 142, box: 150, boxEnd: 430, end: 600 } as const;
/** Characters of a title that fit into a box. */
const TITLE = 36;

const FILLS: Record<Tint, string> = {
  gap: 'none',
  guard: '#eeeeee',
  code: '#cfe3f7',
  data: '#d5efd5',
  read: '#fbf3cf',
  device: '#e6daf3',
  broken: '#f8d2d2',
};

/** `title`: whose address space it is. */
export function svgFile(
  title: string,
  areas: readonly AddressArea[],
  unfolded: ReadonlySet<string> = new Set(),
): string {
  const { boxes, height } = layoutOf(areas, unfolded);
  const [top] = boxes;
  const text = (x: number, y: number, anchor: string, words: string, more = ''): string =>
    `<text x="${x}" y="${y}" text-anchor="${anchor}"${more}>${escaped(words)}</text>`;
  const box = ({ area, y, height: tall, isGap, isPart }: Box): string => {
    const middle = y + tall / 2 + 4;
    const [left, width] = boxSpan(isPart);
    const lines = isGap ? ' stroke-dasharray="2 4"' : '';
    return [
      `<rect x="${left}" y="${y}" width="${width}" height="${tall}" fill="${FILLS[tintOf(area)]}" stroke="#333333"${lines}/>`,
      text(COLUMNS.address, y + tall + 4, 'end', area.va, MONOSPACE),
      text(left + 8, middle, 'start', shortened(titleOf(area))),
      text(COLUMNS.boxEnd - 8, middle, 'end', permissionsOf(area), MONOSPACE),
      text(COLUMNS.boxEnd + 8, middle, 'start', besides(area)),
    ].join('\n');
  };
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${COLUMNS.end}" height="${height + 24}" viewBox="0 -24 ${COLUMNS.end} ${height + 24}" font-family="sans-serif" font-size="12" fill="#111111">
<title>${escaped(title)}</title>
<rect x="0" y="-24" width="${COLUMNS.end}" height="${height + 24}" fill="#ffffff"/>
${text(COLUMNS.box, -6, 'start', title, ' font-weight="bold"')}
${top ? text(COLUMNS.address, top.y + 4, 'end', endOf(top.area), MONOSPACE) : ''}
${boxes.map(box).join('\n')}
</svg>
`;
}

const MONOSPACE = ' font-family="monospace" font-size="11"';

/** Where a box begins, and its width: what a pattern is made of is drawn narrower. */
export const boxSpan = (isPart: boolean): [number, number] => {
  const left = COLUMNS.box + (isPart ? 14 : 0);
  return [left, COLUMNS.boxEnd - left];
};

/** "128 MiB = physical". */
export const besides = (area: AddressArea): string => [sizeOf(area.pages), targetOf(area)].filter(Boolean).join(' ');

export const shortened = (words: string): string => (words.length > TITLE ? `${words.slice(0, TITLE - 1)}…` : words);

/** The address after an area. */
export const endOf = ({ last }: AddressArea): string => `0x${(BigInt(last) + 1n).toString(16)}`;

/** Text within an element; what no XML may have is left out. */
function escaped(words: string): string {
  return words
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, '')
    .replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
