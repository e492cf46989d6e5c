/** A disk image for specs: bytes that stay as they are, whatever the guest writes. */
import { SECTOR_SIZE } from '../devices/disk';
import type { BlockImage } from '../types';

export function imageOf(bytes: Uint8Array): BlockImage {
  return {
    sectors: Math.floor(bytes.length / SECTOR_SIZE),
    readOnly: false,
    read: (sector, into) => into.set(bytes.subarray(sector * SECTOR_SIZE, sector * SECTOR_SIZE + into.length)),
  };
}
