/** Sizes that no sound type exceeds, in bytes. */
export const LARGEST_SCALAR = 16;
/** An address space of 39 bits. */
export const LARGEST_OBJECT = 2 ** 39;
