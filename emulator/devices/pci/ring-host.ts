/** What the two rings of an 82540EM have in common: what they ask of the card, and how their work is counted. */

/** Work is bytes, and so many for looking at a descriptor. */
export const DESCRIPTOR_WORK = 64;

/** What the rings have of the card: its registers, and the guest's memory while the card may be the bus's master. */
export interface RingHost {
  register(offset: number): number;
  setRegister(offset: number, value: number): void;
  /** `length` bytes; zeroes where there is no memory. */
  load(address: bigint, length: number): Uint8Array;
  /** Without effect where there is no memory. */
  store(address: bigint, bytes: Uint8Array): void;
}
