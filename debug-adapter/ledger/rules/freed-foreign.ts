/** What is given to the function that frees is none of the allocator's pages: a device, the kernel itself, nothing, or no beginning of a page. */
import { hex } from '../../../emulator/isa/hex';
import { told, type FreedPage, type Told } from './rule';

/** What an allocator can have: RAM from the kernel's end on; page numbers. */
export interface AllocatorRange {
  readonly start: number;
  readonly end: number;
}

export function isForeign(address: bigint, size: bigint, { start, end }: AllocatorRange): boolean {
  const page = Number(address >> 12n);
  return address % size !== 0n || page < start || page + Number(size >> 12n) > end;
}

/** `content`: what lies there, undefined for nothing; `size` of what the function frees. */
export function freedForeign({ page, by, caller }: FreedPage, size: bigint, content: string | undefined): Told {
  const what =
    content === undefined
      ? 'neither RAM nor a device lies there'
      : content === 'RAM'
        ? `RAM, but not the beginning of a page of ${size} bytes`
        : `that is ${content}, no page of the allocator`;
  return told(`${by}(${hex(page)}): ${what}`, `it is called by ${caller}`);
}
