/**
 * The roots of the page tables in use: the kernel's, and those of processes. Read by the offsets of the members alone, as they are
 * asked for often.
 */
import { findMember } from '../expressions/types';
import { alignedWord, type Xv6 } from '../xv6/kernel';
import { kernelRoot } from '../xv6/tables';

export class LiveTables {
  private readonly state: number | undefined;
  private readonly members: readonly number[];
  private readonly sizeAt: number | undefined;
  /** What proc[] holds now. */
  private readonly slots: DataView<ArrayBuffer>;

  constructor(private readonly xv6: Xv6) {
    const record = xv6.proc?.record;
    this.slots = new DataView(new ArrayBuffer(xv6.proc === undefined ? 0 : xv6.proc.count * xv6.proc.stride));
    const offsetOf = (name: string): number | undefined => record && findMember(record, name)?.offset;
    this.state = offsetOf('state');
    this.sizeAt = offsetOf('sz');
    const names = [xv6.userTableMember, ...xv6.kernelTableMembers];
    this.members = names.flatMap((name) => (name === undefined ? [] : (offsetOf(name) ?? [])));
  }

  /** The root of the user table of the process whose struct proc lies at an address. */
  userRoot(process: bigint): bigint | undefined {
    const [user] = this.members;
    return user === undefined ? undefined : alignedWord(this.xv6, process + BigInt(user)) || undefined;
  }

  /** The bytes of memory that a process has, as it says itself. */
  size(process: bigint): bigint | undefined {
    return this.sizeAt === undefined ? undefined : alignedWord(this.xv6, process + BigInt(this.sizeAt));
  }

  roots(): bigint[] {
    const kernel = kernelRoot(this.xv6);
    return [...new Set([...(kernel === undefined ? [] : [kernel]), ...this.processRoots(this.members)])];
  }

  userRoots(): bigint[] {
    return this.processRoots(this.members.slice(0, 1));
  }

  private read(address: bigint): boolean {
    const { readInto, read } = this.xv6;
    const slots = new Uint8Array(this.slots.buffer);
    if (readInto !== undefined) return readInto(address, slots);
    const bytes = read(address, slots.length);
    if (bytes !== undefined) slots.set(bytes);
    return bytes !== undefined;
  }

  private processRoots(members: readonly number[]): bigint[] {
    const { slots: view } = this;
    const { proc } = this.xv6;
    const found: bigint[] = [];
    if (proc === undefined || !this.read(proc.address)) return found;
    for (let slot = 0; slot < proc.count; slot++) {
      const at = slot * proc.stride;
      // UNUSED is 0 in every kernel.
      if (this.state !== undefined && view.getUint32(at + this.state, true) === 0) continue;
      for (const member of members) {
        const root = view.getBigUint64(at + member, true);
        if (root !== 0n) found.push(root);
      }
    }
    return found;
  }
}
