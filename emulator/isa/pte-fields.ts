/** The fields of an Sv39 page-table entry (RISC-V privileged specification 1.12, section 4.4.1). */
import { hex } from './hex';
import { flagText, isPointer, PPN_BITS, PPN_SHIFT, PTE, pteFlags, RSW_SHIFT, ptePhysical } from './sv39';
import type { Field, Fields } from './fields';

const bit = (name: Exclude<keyof typeof PTE, 'RSW'>, description: string): Field => ({
  name,
  lsb: Math.log2(PTE[name]),
  width: 1,
  description,
});

export const PTE_FIELDS: Fields = {
  fields: [
    bit('V', 'valid: the other bits count'),
    bit('R', 'may be read'),
    bit('W', 'may be written'),
    bit('X', 'may be executed'),
    bit('U', 'user mode may use it; S-mode only with SUM, and not to execute'),
    bit('G', 'global: in every address space'),
    bit('A', 'accessed since A was last cleared'),
    bit('D', 'written since D was last cleared'),
    { name: 'RSW', lsb: RSW_SHIFT, width: 2, description: 'free for the kernel' },
    {
      name: 'PPN',
      lsb: PPN_SHIFT,
      width: PPN_BITS,
      description: 'physical page: of what is mapped, or of the next table if R, W and X are 0',
      meaning: (value) => `page ${hex(value << 12n)}`,
    },
    {
      name: 'reserved',
      lsb: PPN_SHIFT + PPN_BITS,
      width: 64 - PPN_SHIFT - PPN_BITS,
      description: 'must be 0 (Svpbmt and Svnapot, which this machine has not)',
    },
  ],
  describe: (value) => {
    const flags = pteFlags(value);
    const where = hex(ptePhysical(value));
    const what = !(flags & PTE.V) ? 'V=0: not valid' : isPointer(flags) ? `next table at ${where}` : `maps PA ${where}`;
    return `${hex(value)} (${flagText(flags)}: ${what})`;
  },
};
