/**
 * The plot: for every row a bar that shows this machine's speed relative to QEMU's, on a logarithmic scale with a line at
 * 1.0. Plain SVG without scripts; colours follow the reader's theme.
 */
import { type Row, advantage } from './measure';

const LABELS = 330;
const BARS = 460;
const VALUES = 70;
const ROW = 22;
const TOP = 58;
const WIDTH = LABELS + BARS + VALUES;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 15px; }
  .scale { font-size: 12px; fill: #59636e; text-anchor: middle; }
  .grid { stroke: #d1d9e0; }
  .one { stroke: #1f2328; stroke-width: 1.5; }
  .faster { fill: #1a7f37; }
  .slower { fill: #bc4c00; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .scale { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .one { stroke: #f0f6fc; }
    .faster { fill: #3fb950; }
    .slower { fill: #f0883e; }
  }`;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const fixed = (value: number): string => String(Math.round(value * 10) / 10);

/** Omits rows without a value for QEMU. */
export function plot(rows: readonly Row[]): string {
  const shown = rows
    .map((row) => ({ row, ratio: advantage(row) }))
    .filter(({ ratio }) => ratio > 0 && ratio < Infinity);
  const exponents = shown.map(({ ratio }) => Math.log2(ratio));
  const low = Math.min(-1, ...exponents.map(Math.floor));
  const high = Math.max(1, ...exponents.map(Math.ceil));
  const x = (exponent: number): number => LABELS + ((exponent - low) / (high - low)) * BARS;
  const bottom = TOP + shown.length * ROW;
  const lines: string[] = [];
  for (let exponent = low; exponent <= high; exponent++) {
    const at = fixed(x(exponent));
    const label = exponent < 0 ? `1/${2 ** -exponent}` : String(2 ** exponent);
    const kind = exponent === 0 ? 'one' : 'grid';
    lines.push(`<line class="${kind}" x1="${at}" x2="${at}" y1="${TOP - 8}" y2="${bottom + 4}"/>`);
    lines.push(`<text class="scale" x="${at}" y="${TOP - 14}">${label}</text>`);
  }
  shown.forEach(({ row, ratio }, index) => {
    const y = TOP + index * ROW;
    const [from, to] = [x(0), x(Math.log2(ratio))].sort((a, b) => a - b) as [number, number];
    const kind = ratio >= 1 ? 'faster' : 'slower';
    lines.push(`<text x="0" y="${y + 15}">${escaped(row.name)}</text>`);
    const width = fixed(Math.max(to - from, 1));
    lines.push(`<rect class="${kind}" x="${fixed(from)}" y="${y + 4}" width="${width}" height="${ROW - 8}" rx="2"/>`);
    lines.push(`<text x="${fixed(LABELS + BARS + 12)}" y="${y + 15}">${ratio.toFixed(2)}</text>`);
  });
  const height = bottom + 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>Speed relative to QEMU</title>
<style>${STYLE}
</style>
<text class="title" x="0" y="18">Speed relative to QEMU (1 is as fast, 2 twice as fast)</text>
${lines.join('\n')}
</svg>
`;
}
