/** Memory as devices read and write it themselves (DMA): the same, but what they touch of watched bytes is noted. */
import type { WritableMemory } from '../types';
import type { GuestMemory } from './guest-memory';
import { PAGE } from '../layout';

export class DeviceMemory implements WritableMemory {
  readonly dramBase: bigint;
  readonly dramSize: bigint;

  constructor(private readonly memory: GuestMemory) {
    this.dramBase = memory.dramBase;
    this.dramSize = memory.dramSize;
  }

  read(address: bigint, length: number): Uint8Array | undefined {
    const bytes = this.memory.read(address, length);
    if (bytes)
      this.eachPage(address, length, (host, part) => this.memory.watches.loaded(host, part, undefined, 'device'));
    return bytes;
  }

  readInto(address: bigint, bytes: Uint8Array): boolean {
    const found = this.read(address, bytes.length);
    if (found) bytes.set(found);
    return found !== undefined;
  }

  write(address: bigint, bytes: Uint8Array): boolean {
    if (this.memory.watches.none) return this.memory.write(address, bytes);
    if (this.memory.read(address, bytes.length) === undefined) return false;
    this.eachPage(address, bytes.length, (host, part) =>
      this.memory.watches.beforeStore(host, part, undefined, 'device'),
    );
    return this.memory.write(address, bytes);
  }

  readU64(address: bigint): bigint | undefined {
    const word = this.memory.readU64(address);
    if (word !== undefined) this.memory.watches.loaded(this.memory.hostOf(Number(address)), 8, undefined, 'device');
    return word;
  }

  private eachPage(address: bigint, length: number, action: (host: number, length: number) => void): void {
    if (this.memory.watches.none) return;
    const host = this.memory.hostOf(Number(address));
    for (let at = 0; at < length;) {
      const part = Math.min(length - at, PAGE - ((host + at) % PAGE));
      action(host + at, part);
      at += part;
    }
  }
}
