/** The fields of an Sv39 page-table entry (RISC-V privileged specification 1.12, section 4.4.1). */
import { flagText, pteFlags, ptePhysical } from '../page-tables/walk';
import type { Field, Fields } from './fields';

const bit = (name: string, lsb: number, description: string): Field => ({ name, lsb, width: 1, description });
const hex = (value: bigint): string => `0x${value.toString(16)}`;

export const PTE: Fields = {
  fields: [
    bit('V', 0, 'valid: the other bits count'),
    bit('R', 1, 'may be read'),
    bit('W', 2, 'may be written'),
    bit('X', 3, 'may be executed'),
    bit('U', 4, 'user mode may use it; S-mode only with SUM, and not to execute'),
    bit('G', 5, 'global: in every address space'),
    bit('A', 6, 'accessed since A was last cleared'),
    bit('D', 7, 'written since D was last cleared'),
    { name: 'RSW', lsb: 8, width: 2, description: 'free for the kernel' },
    {
      name: 'PPN',
      lsb: 10,
      width: 44,
      description: 'physical page: of what is mapped, or of the next table if R, W and X are 0',
      meaning: (value) => `page ${hex(value << 12n)}`,
    },
    { name: 'reserved', lsb: 54, width: 10, description: 'must be 0 (Svpbmt and Svnapot, which this machine has not)' },
  ],
  describe: (value) => {
    const flags = pteFlags(value);
    const leaf = (flags & 0b1110) !== 0;
    const where = hex(ptePhysical(value));
    const what = flags & 1 ? (leaf ? `maps PA ${where}` : `next table at ${where}`) : 'V=0: not valid';
    return `${hex(value)} (${flagText(flags)}: ${what})`;
  },
};
