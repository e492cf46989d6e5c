/**
 * The roots of the page tables in use: the kernel's, and those of processes. Read by the offsets of the members alone, as they are
 * asked for often.
 */
import { arrayBytes, readWord, type Xv6 } from '../xv6/kernel';
import { findMember } from '../expressions/types';
import { kernelRoot } from '../xv6/tables';

export class LiveTables {
  private readonly state: number | undefined;
  private readonly members: readonly number[];

  constructor(private readonly xv6: Xv6) {
    const record = xv6.proc?.record;
    const offsetOf = (name: string): number | undefined => record && findMember(record, name)?.offset;
    this.state = offsetOf('state');
    const names = [xv6.userTableMember, ...xv6.kernelTableMembers];
    this.members = names.flatMap((name) => (name === undefined ? [] : (offsetOf(name) ?? [])));
  }

  /** The root of the user table of the process whose struct proc lies at an address. */
  userRoot(process: bigint): bigint | undefined {
    const [user] = this.members;
    return user === undefined ? undefined : readWord(this.xv6, process + BigInt(user)) || undefined;
  }

  roots(): bigint[] {
    const { xv6 } = this;
    const found = new Set<bigint>();
    const kernel = kernelRoot(xv6);
    if (kernel !== undefined) found.add(kernel);
    const bytes = xv6.proc && arrayBytes(xv6, xv6.proc);
    if (!bytes || !xv6.proc) return [...found];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let slot = 0; slot < xv6.proc.count; slot++) {
      const at = slot * xv6.proc.stride;
      // UNUSED is 0 in every kernel.
      if (this.state !== undefined && view.getUint32(at + this.state, true) === 0) continue;
      for (const member of this.members) {
        const root = view.getBigUint64(at + member, true);
        if (root !== 0n) found.add(root);
      }
    }
    return [...found];
  }
}
