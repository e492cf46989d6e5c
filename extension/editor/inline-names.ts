/**
 * Finds variable names in lines of C, for values shown at the ends of lines. Lexical only (C11 6.4): skips comments, strings,
 * members after `.` and `->`, and names that are called.
 */

export interface NameAt {
  name: string;
  /** 0-based; the end is exclusive. */
  line: number;
  start: number;
  end: number;
}

/** Comments, which may span lines, strings, and identifiers with the characters around them. */
const TOKEN =
  /\/\/.*|\/\*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?<member>(?:\.|->)\s*)?\b(?<name>[A-Za-z_]\w*)\b(?<call>\s*\()?/g;

/** The first position of each of `names` in each line from `first` to `last`. Assumes that `first` is not inside a comment. */
export function namesIn(
  lineAt: (line: number) => string,
  first: number,
  last: number,
  names: ReadonlySet<string>,
): NameAt[] {
  const found: NameAt[] = [];
  let inComment = false;
  for (let line = first; line <= last; line++) {
    const text = lineAt(line);
    let from = 0;
    const seen = new Set<string>();
    for (;;) {
      if (inComment) {
        const end = text.indexOf('*/', from);
        if (end < 0) break;
        inComment = false;
        from = end + 2;
      }
      TOKEN.lastIndex = from;
      const token = TOKEN.exec(text);
      if (!token) break;
      from = TOKEN.lastIndex;
      if (token[0] === '/*') inComment = true;
      const { name, member, call } = token.groups ?? {};
      if (name === undefined || member !== undefined || call !== undefined || seen.has(name) || !names.has(name))
        continue;
      seen.add(name);
      found.push({ name, line, start: token.index, end: token.index + name.length });
    }
  }
  return found;
}
