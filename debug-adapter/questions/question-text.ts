/**
 * Questions to the past as they are typed in the debug console: `$calls(kalloc, $result == 0)`. The name of the question, then
 * in parentheses what it is about and, after a comma, a condition in C. Both are texts here: they are read elsewhere.
 */

/** What can be asked, in the words of completion. */
export const QUESTIONS = [
  { name: 'calls', parameters: 'function, condition', detail: 'every call of a function, with arguments and result' },
  { name: 'writes', parameters: 'place, condition', detail: 'every write of a variable or other place in memory' },
  { name: 'lines', parameters: 'file:line, condition', detail: 'every time that a line was run' },
  {
    name: 'disk',
    parameters: 'block, condition',
    detail: 'every write of a block of the disk, by the kernel’s requests',
  },
  { name: 'when', parameters: 'condition', detail: 'when a condition became true, by what is in memory' },
  {
    name: 'page',
    parameters: 'address, condition',
    detail: 'when a page was allocated, mapped, unmapped and freed, by whom',
  },
  { name: 'origin', parameters: 'value', detail: 'where a value comes from, followed back through all copies' },
  { name: 'traps', parameters: 'condition', detail: 'every trap that a hart has taken' },
  { name: 'satp', parameters: 'condition', detail: 'every switch to another page table' },
  {
    name: 'walks',
    parameters: 'condition',
    detail:
      'walks by software (walkaddr, copyin) that found no valid entry, where the hardware would have raised a page fault',
  },
  { name: 'packets', parameters: '', detail: 'every packet that the guest has sent and received, with its headers' },
  { name: 'leaks', parameters: 'condition', detail: 'pages that are neither free nor used, and who allocated each' },
] as const;

export type QuestionName = (typeof QUESTIONS)[number]['name'];

export interface Question {
  readonly name: QuestionName;
  /** '' where the question is about nothing in particular. */
  readonly about: string;
  readonly condition: string | undefined;
}

const FORM = /^\s*\$([a-z]+)\s*\((.*)\)\s*$/is;

/** Undefined for any other text. Throws an Error that says what is missing, or too much. */
export function questionIn(text: string): Question | undefined {
  const [, name, inner] = FORM.exec(text) ?? [];
  const known = QUESTIONS.find((one) => one.name === name);
  if (known === undefined || inner === undefined) return undefined;
  const parts = parted(inner);
  if (parts === undefined) return undefined;
  const takesCondition = known.parameters.endsWith('condition');
  const takesSubject = known.parameters !== 'condition' && known.parameters !== '';
  if (parts.length > Number(takesSubject) + Number(takesCondition))
    throw new Error(`There is too much in $${known.name}: it is $${known.name}(${known.parameters}).`);
  const [about = '', condition] = takesSubject ? parts : ['', ...parts];
  if (takesSubject && about === '') {
    throw new Error(
      `It is $${known.name}(${known.parameters})${takesCondition ? '; the condition may be left out' : ''}.`,
    );
  }
  return { name: known.name, about, condition: condition === '' ? undefined : condition };
}

/** The number in `$go(12)`; undefined for any other text. */
export function rowToGoTo(text: string): number | undefined {
  const digits = /^\s*\$go\s*\(\s*#?(\d{1,9})\s*\)\s*$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Cut at commas that are in no brackets and in no text; undefined if a bracket ends that has not begun. */
function parted(text: string): string[] | undefined {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const [piece] of text.matchAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^]/g)) {
    if ('([{'.includes(piece)) depth++;
    else if (')]}'.includes(piece)) depth--;
    if (depth < 0) return undefined;
    if (piece === ',' && depth === 0) {
      parts.push(part.trim());
      part = '';
    } else {
      part += piece;
    }
  }
  return [...parts, part.trim()].filter((one, index) => index > 0 || one !== '' || parts.length > 0);
}
