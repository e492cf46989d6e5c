/** docs/bugs.md: what was shown of each bug, in the words that were shown, with instants and addresses elided. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LABS, type Row, type Where } from './row';
import { ROWS } from './rows';
import type { Shown } from './tell';

const DOCUMENT = join(__dirname, '..', '..', 'docs', 'bugs.md');

const TITLES: Readonly<Record<Where, string>> = {
  stop: 'On the stop',
  click: 'One click away',
  not: 'Not shown',
};

/** Without what differs from build to build and from machine to machine. */
const elided = (text: string): string =>
  text
    .replace(/[\d.]+ (ns|µs|ms|s) (ago|before|later)/g, '… $2')
    .replace(/0x8[0-9a-f]{7}\b/g, '0x8…')
    .replace(/0x2[0-9a-f]{7}\b/g, '0x2…')
    .replace(/: \$go\(\d+\)/g, '');

/** Of what one click brings the lines that are the evidence. */
const evidence = ({ shown }: Row, text: string): string =>
  text
    .split('\n')
    .filter((line) => shown.some((pattern) => pattern.test(line)))
    .map((line) => line.trim())
    .join('\n');

export function sectionOf(row: Row, where: Where, { stop, click }: Shown): string {
  const { number, bug, variant, run, harts, filters, tlb, question, why } = row;
  const how = [
    `\`make BUG=${number}\``,
    ...(harts === undefined ? [] : [`${harts} harts`]),
    ...(tlb === undefined ? [] : [`with \`"tlb": "${tlb}"\``]),
    ...(filters === undefined ? [] : [`with the filters ${filters.join(', ')}`]),
    run === undefined ? 'at boot' : `\`${run}\``,
    ...(question === undefined ? [] : [question.startsWith('$') ? `asked \`${question}\`` : `asked “${question}”`]),
  ].join(', ');
  const isSaid = row.shown.every((pattern) => pattern.test(stop));
  const words = where === 'not' ? '' : isSaid ? stop : evidence(row, `${stop}\n${click}`);
  const quoted = words === '' ? [why ?? ''] : ['```text', elided(words).trimEnd(), '```'];
  return [
    `### ${number}. ${bug.charAt(0).toUpperCase()}${bug.slice(1)}`,
    '',
    `${LABS[variant].charAt(0).toUpperCase()}${LABS[variant].slice(1)}; ${how}. ${TITLES[where]}:`,
    '',
    ...quoted,
    '',
  ].join('\n');
}

export const documented = (): string => readFileSync(DOCUMENT, 'utf8');

const OPENING = `# Forty-four bugs with page tables, and what the debugger shows of each

These are mistakes that students make in the labs about page tables. Each is planted in the sample kernel (\`make BUG=n\` in the
sample lab builds it), and \`npm run test:bugs\` boots them all, comes to the symptom, and compares what is shown with what stands
here; \`XV6_WRITE_BUGS=1 npm run test:bugs\` writes this page anew. The text is that of the exception box, whose first lines are
also the Stop view's, with the filters that are on by default. Instants and most addresses are left out (…).
`;

/** The page with new sections for some of the bugs, and those of the others as they are. */
export function pageWith(sections: ReadonlyMap<number, string>): string {
  const line = (where: Where): string => {
    const numbers = ROWS.filter((row) => row.where === where).map(({ number }) => number);
    return `- ${TITLES[where]}: ${numbers.length}${where === 'stop' ? '' : ` (${numbers.join(', ')})`}`;
  };
  const counts = (['stop', 'click', 'not'] as const).map(line).join('\n');
  const old = documented().split(/^(?=### )/m);
  const before = (number: number): string => old.find((one) => one.startsWith(`### ${number}. `))?.trimEnd() ?? '';
  const all = ROWS.map(({ number }) => (sections.get(number) ?? before(number)).trimEnd());
  return `${OPENING}\n${counts}\n\n${all.join('\n\n')}\n`;
}

export const write = (text: string): void => writeFileSync(DOCUMENT, text);
