/** What the debugger can do with a guest kernel, and which of it rests on one symbol alone. */
import type { Binary } from '../symbols/api';
import { NAMES } from './names';

export interface Feature {
  name:
    | 'processes'
    | 'harts'
    | 'kernel table'
    | 'trap frames'
    | 'parked processes'
    | 'panic'
    | 'trampoline'
    | 'scheduler stacks'
    | 'user traps'
    | 'user returns';
  available: boolean;
  /** What is missing: "there is no array `proc` of structures". */
  why?: string;
}

/** What is switched off where the kernel has no such symbol. Inline functions have none, and are none of these. */
const NEEDED: Readonly<Partial<Record<Feature['name'], { symbol: string; without: string }>>> = {
  'scheduler stacks': { symbol: NAMES.bootStacks, without: 'a hart in the scheduler may seem to run a process' },
  'user traps': { symbol: NAMES.userVector, without: 'stacks end at the way from a user program into the kernel' },
  'user returns': { symbol: NAMES.userReturn, without: 'stacks end at the way from the kernel to a user program' },
};

/** The features that rest on a symbol, each with a word of why it is off. */
export const symbolFeatures = (binary: Binary): Feature[] =>
  Object.entries(NEEDED).map(([name, { symbol, without }]) => {
    const available = binary.symbol(symbol) !== undefined;
    const why = `there is no symbol ${symbol}, so ${without}`;
    return { name: name as Feature['name'], available, ...(available ? {} : { why }) };
  });
