/**
 * What the kernel does, as opposed to the machine: it switches from one process to another, makes one, runs a program in
 * it, ends it, panics. Seen where its own functions are called, by the names that kernels of different years give them.
 * A kernel without the function has that event switched off, with a word of why.
 */
import { Mode, type Hart } from '../../emulator/types';
import { findAllocators, returnsOf, type AllocatorFunction, type Allocators } from './allocators';
import { processIdOn } from './cpus';
import type { Xv6 } from './kernel';
import { NAMES } from './names';
import { panicMessage, readString } from './panic';
import { Structure } from './structure';

export type KernelEventKind = KernelEvent['kind'];

/** A process as sentences name it. */
export interface Named {
  pid: number;
  name: string;
}

export type KernelEvent =
  | { kind: 'panic'; hart: number; message: string }
  /** Undefined is the scheduler. */
  | { kind: 'switch'; hart: number; from: Named | undefined; to: Named | undefined }
  | { kind: 'create'; hart: number; by: Named | undefined; child: number }
  | { kind: 'exec'; hart: number; by: Named | undefined; path: string }
  | { kind: 'exit'; hart: number; by: Named | undefined; status: number }
  /** Entries are about to be made in the page table with this root, which may be so new that no hart has loaded it yet. */
  | { kind: 'map'; hart: number; root: bigint }
  /** A page has been allocated, and is about to be returned; 0 for none. A page is about to be freed. `size`: its bytes. */
  | { kind: AllocatorKind; hart: number; page: bigint; size: bigint };

type AllocatorKind = AllocatorFunction['kind'];
const ALLOCATOR_KINDS: readonly AllocatorKind[] = ['allocate', 'free'];

/** Functions of the kernel; the first of the names that it has. */
const FUNCTIONS: Readonly<Record<Exclude<KernelEventKind, AllocatorKind>, readonly string[]>> = {
  switch: [NAMES.contextSwitch],
  create: ['allocproc'],
  exec: ['kexec', 'exec'],
  exit: ['kexit', 'exit'],
  panic: ['panic'],
  map: ['mappages'],
};

const [A0, A1] = [10, 11];
/** These are seen where the function returns. */
const AT_RETURN: readonly KernelEventKind[] = ['create'];

export class KernelEvents {
  private readonly byKind = new Map<bigint, KernelEventKind>();
  private readonly missingByKind = new Map<KernelEventKind, string>();
  /** The functions in which events of a kind are seen. */
  private readonly seenIn = new Map<KernelEventKind, readonly string[]>();
  private readonly allocators: Allocators;

  constructor(
    private readonly xv6: Xv6,
    private readonly readAt: (hart: Hart, address: bigint, length: number) => Uint8Array | undefined,
  ) {
    for (const kind of Object.keys(FUNCTIONS) as (keyof typeof FUNCTIONS)[]) {
      const found = FUNCTIONS[kind].map((name) => xv6.binary.symbol(name)).find((symbol) => symbol !== undefined);
      const places = found && (AT_RETURN.includes(kind) ? returnsOf(xv6, found.address) : [found.address]);
      const names = FUNCTIONS[kind].join(' or ');
      if (!found) this.missingByKind.set(kind, `the kernel has no function ${names}`);
      else if (!places?.length) this.missingByKind.set(kind, `where ${found.name} returns is not known`);
      for (const address of places ?? []) this.byKind.set(address, kind);
      if (found) this.seenIn.set(kind, [found.name]);
    }
    this.allocators = findAllocators(xv6, xv6.allocators);
    for (const [address, { kind }] of this.allocators.at) this.byKind.set(address, kind);
    for (const kind of ALLOCATOR_KINDS) {
      const names = xv6.allocators.flatMap((one) => one[kind] ?? []);
      const isSeen = [...this.allocators.at.values()].some((one) => one.kind === kind);
      if (!isSeen) this.missingByKind.set(kind, `no function ${names.join(' or ')} of the kernel can be seen`);
      this.seenIn.set(kind, names);
    }
    if (!xv6.proc && !this.missingByKind.has('create')) this.missingByKind.set('create', 'the processes are not known');
  }

  /** Why events of a kind cannot be seen; undefined if they can. */
  missing(kind: KernelEventKind): string | undefined {
    return this.missingByKind.get(kind);
  }

  /** Why not all events of a kind are seen. */
  partly(kind: KernelEventKind): string | undefined {
    for (const name of this.seenIn.get(kind) ?? []) {
      const copies = this.xv6.binary.inlinedCopies(name).length;
      if (copies > 0) return `${name} is inlined in ${copies} places, where it is not seen`;
    }
    return undefined;
  }

  /** Addresses at which a hart must be checked for events of these kinds. */
  addresses(kinds: ReadonlySet<KernelEventKind>): bigint[] {
    return [...this.byKind].flatMap(([address, kind]) => (kinds.has(kind) ? [address] : []));
  }

  /** The event that a hart at `pc` is just about to make; undefined if it is none. */
  at(hart: Hart): KernelEvent | undefined {
    const { pc } = hart;
    const kind = hart.mode === Mode.User ? undefined : this.byKind.get(pc);
    switch (kind) {
      case undefined:
        return undefined;
      case 'panic':
        return {
          kind,
          hart: hart.id,
          message: panicMessage((i) => hart.x(A0 + i), this.reader(hart)) ?? '(no message)',
        };
      case 'switch':
        return { kind, hart: hart.id, from: this.around(hart.x(A0)), to: this.around(hart.x(A1)) };
      case 'create': {
        const child = this.around(hart.x(A0));
        return child && { kind, hart: hart.id, by: this.running(hart), child: child.pid };
      }
      case 'exec':
        return {
          ...{ kind, hart: hart.id, by: this.running(hart) },
          path: readString(this.reader(hart), hart.x(A0), 128) ?? '(a path that cannot be read)',
        };
      case 'exit':
        return { kind, hart: hart.id, by: this.running(hart), status: Number(BigInt.asIntN(32, hart.x(A0))) };
      case 'map':
        return { kind, hart: hart.id, root: hart.x(A0) };
      case 'allocate':
      case 'free':
        return { kind, hart: hart.id, page: hart.x(A0), size: this.allocators.at.get(pc)!.size };
    }
  }

  private reader(hart: Hart): (address: bigint, length: number) => Uint8Array | undefined {
    return (address, length) => this.readAt(hart, address, length);
  }

  /** The process that a hart runs. */
  private running(hart: Hart): Named | undefined {
    const found = processIdOn(this.xv6, hart);
    return found && this.around(found.address);
  }

  /** The process whose struct proc an address lies in. */
  private around(address: bigint): Named | undefined {
    const { proc, read } = this.xv6;
    if (!proc || address < proc.address) return undefined;
    const slot = (address - proc.address) / BigInt(proc.stride);
    if (slot >= BigInt(proc.count)) return undefined;
    const found = Structure.read(proc.record, proc.address + slot * BigInt(proc.stride), read);
    return found && { pid: Number(found.number('pid') ?? 0n), name: found.text('name') ?? '' };
  }
}
