/** From the answer to a question (`xv6.query`) to the lines of a list to choose from. */
import type { QueryAnswer, QueryRow } from '../../debug-adapter/protocol';

export interface AnswerLine {
  /** "kalloc() = 0x87f56000". */
  label: string;
  /** "4.31 ms ago, pid 3 sh, hart 0". */
  description: string;
  /** "uvmalloc at uvm.c:17". */
  detail?: string;
  row: QueryRow;
}

/** The latest first, as a list is read from its top; a tale is told from its beginning. */
export function answerLines({ rows }: QueryAnswer, isTale: boolean): AnswerLine[] {
  const lines = rows.map((row): AnswerLine => {
    const { what, ago, process, hart, place } = row;
    const who = [process, hart === undefined ? undefined : `hart ${hart}`].filter((part) => part !== undefined);
    return {
      label: what,
      description: [ago, ...who].join(', '),
      ...(place !== undefined && { detail: place }),
      row,
    };
  });
  return isTale ? lines : lines.reverse();
}
