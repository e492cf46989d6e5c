/** What a grade script prints of its tests, as the course's gradelib writes it. Does not use VS Code. */

export interface Verdict {
  readonly isPassed: boolean;
  /** What was wrong, in the script's words; empty where it passed. */
  readonly message: string;
}

/** Of the test with a title; undefined where the script has not come to an end of it. */
export function verdictOf(output: string, title: string): Verdict | undefined {
  const lines = output.split(/\r?\n/);
  // "== Test pingpong == pingpong: OK (1.1s)"; after another test that it needs has been run, on a line of its own.
  const verdict = lines.findIndex((line) => verdictIn(line, title) !== undefined);
  if (verdict >= 0) {
    const isPassed = verdictIn(lines[verdict]!, title) === 'OK';
    return { isPassed, message: isPassed ? '' : messageBelow(lines, verdict) };
  }
  // One without points of its own says only what was wrong.
  const head = lines.findIndex((line) => new RegExp(`^== Test\\s+${escaped(title)} == (\\(|$)`).test(line));
  if (head < 0) return undefined;
  const message = messageBelow(lines, head);
  const isOver =
    message !== '' || lines.slice(head + 1).some((line) => line.startsWith('== Test') || /^Score: /.test(line));
  return isOver ? { isPassed: message === '', message } : undefined;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const verdictIn = (line: string, title: string): string | undefined =>
  new RegExp(`^(?:== Test.* == )?\\s*${escaped(title)}: (OK|FAIL)\\b`).exec(line)?.[1];

/** The indented lines. */
function messageBelow(lines: readonly string[], line: number): string {
  const rest = lines.slice(line + 1);
  const end = rest.findIndex((text) => !text.startsWith('    '));
  return rest
    .slice(0, end < 0 ? rest.length : end)
    .map((text) => text.slice(4))
    .join('\n');
}
