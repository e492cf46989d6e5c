/**
 * The tests of a lab's grade script (`grade-lab-pgtbl` and the like), which are Python functions with the decorator `@test(points,
 * "title")` of the course's gradelib. The script is read, not run. Does not use VS Code.
 */

export interface GradeTest {
  readonly title: string;
  readonly points: number;
  /** Of the decorator, the first line of the script being 0. */
  readonly line: number;
}

const DECORATOR = /^@test\(\s*(\d+)\s*(?:,\s*(?:title\s*=\s*)?(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'))?/;
const FUNCTION = /^def\s+(?:test_)?(\w+)/;

export function gradeTests(script: string): GradeTest[] {
  const lines = script.split('\n');
  return lines.flatMap((text, line): GradeTest[] => {
    const [decorator, points, double, single] = DECORATOR.exec(text) ?? [];
    if (decorator === undefined) return [];
    // Without a title it is the function's name.
    const title = (double ?? single)?.replace(/\\(.)/g, '$1') ?? nameBelow(lines, line);
    return title === undefined ? [] : [{ title, points: Number(points), line }];
  });
}

function nameBelow(lines: readonly string[], line: number): string | undefined {
  const name = lines
    .slice(line + 1, line + 10)
    .map((text) => FUNCTION.exec(text)?.[1])
    .find((found) => found !== undefined);
  return name?.replaceAll('_', ' ');
}
