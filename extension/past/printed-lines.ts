/** The lines that a guest has printed, as the debugger counts them: finished, not empty, without blanks at the end. */

/** Characters kept, as many as the debugger keeps. */
const KEPT = 1 << 18;

export interface PrintedLine {
  readonly text: string;
  /** Of the lines with this text, how many come after it. */
  readonly occurrence: number;
  /** The line before it; undefined for the first. */
  readonly before: string | undefined;
}

/** Text of a console, of which the end is kept. */
export class PrintedText {
  private text = '';

  append(text: string): void {
    this.text = (this.text + text).slice(-KEPT);
  }

  replace(text: string): void {
    this.text = text.slice(-KEPT);
  }

  /** All lines, the latest first. */
  lines(): PrintedLine[] {
    const texts = this.text
      .split('\n')
      .slice(0, -1)
      .map((line) => line.trimEnd());
    const seen = new Map<string, number>();
    const lines: PrintedLine[] = [];
    for (let at = texts.length - 1; at >= 0; at--) {
      const text = texts[at]!;
      if (text === '') continue;
      const occurrence = seen.get(text) ?? 0;
      seen.set(text, occurrence + 1);
      lines.push({ text, occurrence, before: texts[at - 1] });
    }
    return lines;
  }

  /** The lines with this text, the latest first. */
  saying(text: string): PrintedLine[] {
    return this.lines().filter((line) => line.text === text.trimEnd());
  }
}
