/**
 * The SiFive test finisher, with which a guest powers the machine off or resets it (QEMU hw/misc/sifive_test.c). Reads
 * return zero; only writes at offset 0 have an effect.
 */
import type { Device } from '../device';
import type { AccessSize, State } from '../types';
import { MemoryMap } from './memory-map';

const FAIL = 0x3333;
const PASS = 0x5555;
const RESET = 0x7777;

/** What the guest requested. `code` is the 16-bit code of a failure, 0 for a pass. */
export type Finish = { kind: 'poweroff'; code: number } | { kind: 'reset' };

export class Finisher implements Device {
  readonly name = 'finisher';
  readonly base = MemoryMap.finisher.base;
  readonly size = MemoryMap.finisher.size;

  constructor(private readonly finish: (finish: Finish) => void) {}

  read(offset: number, size: AccessSize): bigint | undefined {
    return isAllowed(offset, size) ? 0n : undefined;
  }

  write(offset: number, size: AccessSize, value: bigint): boolean {
    if (!isAllowed(offset, size)) return false;
    if (offset !== 0) return true;
    const word = Number(value);
    switch (word & 0xffff) {
      case PASS:
        this.finish({ kind: 'poweroff', code: 0 });
        break;
      case FAIL:
        this.finish({ kind: 'poweroff', code: (word >>> 16) & 0xffff });
        break;
      case RESET:
        this.finish({ kind: 'reset' });
        break;
    }
    return true;
  }

  reset(): void {
    // It holds nothing.
  }

  save(): State {
    return null;
  }

  restore(_state: State): void {
    // It holds nothing.
  }
}

function isAllowed(offset: number, size: AccessSize): boolean {
  return (size === 2 || size === 4) && offset % size === 0;
}
