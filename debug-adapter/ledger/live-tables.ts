/**
 * The roots of the page tables in use: the kernel's, and those of processes. Read by the offsets of the members alone, as they are
 * asked for often.
 */
import { alignedWord, arrayBytes, type Xv6 } from '../xv6/kernel';
import { findMember } from '../expressions/types';
import { kernelRoot } from '../xv6/tables';

export class LiveTables {
  private readonly state: number | undefined;
  private readonly members: readonly number[];
  private readonly sizeAt: number | undefined;

  constructor(private readonly xv6: Xv6) {
    const record = xv6.proc?.record;
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

  private processRoots(members: readonly number[]): bigint[] {
    const { xv6 } = this;
    const found: bigint[] = [];
    const bytes = xv6.proc && arrayBytes(xv6, xv6.proc);
    if (!bytes || !xv6.proc) return found;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let slot = 0; slot < xv6.proc.count; slot++) {
      const at = slot * xv6.proc.stride;
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
