/** What queries over time answer: a part of protocol.ts. */

export interface QueryAnswer {
  /** "3 calls of kalloc; the latest last". */
  title: string;
  /** The latest last. */
  rows: QueryRow[];
}

export interface QueryRow {
  /** By which the debug console goes there: `$go(12)`. */
  number: number;
  /** For `xv6.goTo`. */
  instant: string;
  /** "4.31 ms ago": virtual time before the instant at which it was asked. */
  ago: string;
  /** "kalloc() = 0x87f56000". */
  what: string;
  parts: { name: string; value: string }[];
  hart?: number;
  /** "pid 3 sh". */
  process?: string;
  /** "uvmalloc at uvm.c:17". */
  place?: string;
  path?: string;
  line?: number;
}
