/** All planted bugs. */
import { KERNEL_ROWS } from './kernel-rows';
import { PROGRAM_ROWS } from './program-rows';
import type { Row } from './row';

/** In the order of their numbers. */
export const ROWS: readonly Row[] = [...KERNEL_ROWS, ...PROGRAM_ROWS].sort((a, b) => a.number - b.number);
