/** Page tables as the course's labs have them printed: a part of protocol.ts. */

/** By the years of the labs, and as the course's lecture prints it. */
export const VMPRINT_FORMATS = ['2020', '2021 to 2023', '2024 and 2025', 'lecture'] as const;
export type VmprintFormat = (typeof VMPRINT_FORMATS)[number];

export interface VmprintCheck {
  /** "the table of pid 3 sh". */
  label: string;
  /** Lines of entries that were printed. */
  lines: number;
  problems: VmprintProblem[];
}

/** What is wrong with a line that was printed; of one that is missing, the line as it should be. */
export interface VmprintProblem {
  line: string;
  what: string;
}
