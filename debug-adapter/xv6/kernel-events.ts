/**
 * What the kernel does, as opposed to the machine: it switches from one process to another, makes one, runs a program in
 * it, ends it, panics. Seen where its own functions are called, by the names that kernels of different years give them.
 * A kernel without the function has that event switched off, with a word of why.
 */
import { Mode, type Hart } from '../../emulator/types';
import { isReturn } from '../../emulator/isa/instructions/calls';
import { instructionsFrom } from '../../emulator/isa/instructions/instruction-at';
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
  /** A page has been allocated, and is about to be returned; 0 for none. A page is about to be freed. */
  | { kind: 'allocate'; hart: number; page: bigint }
  | { kind: 'free'; hart: number; page: bigint };

/** Functions of the kernel; the first of the names that it has. */
const FUNCTIONS: Readonly<Record<KernelEventKind, readonly string[]>> = {
  switch: [NAMES.contextSwitch],
  create: ['allocproc'],
  exec: ['kexec', 'exec'],
  exit: ['kexit', 'exit'],
  panic: ['panic'],
  map: ['mappages'],
  allocate: ['kalloc'],
  free: ['kfree'],
};

const [A0, A1] = [10, 11];
/** These are seen where the function returns. */
const AT_RETURN: readonly KernelEventKind[] = ['create', 'allocate'];
/** No function of xv6 is longer. */
const LONGEST = 4096n;

export class KernelEvents {
  private readonly byKind = new Map<bigint, KernelEventKind>();
  private readonly missingByKind = new Map<KernelEventKind, string>();
  private readonly partlySeen = new Map<KernelEventKind, string>();

  constructor(
    private readonly xv6: Xv6,
    private readonly readAt: (hart: Hart, address: bigint, length: number) => Uint8Array | undefined,
  ) {
    for (const kind of Object.keys(FUNCTIONS) as KernelEventKind[]) {
      const found = FUNCTIONS[kind].map((name) => xv6.binary.symbol(name)).find((symbol) => symbol !== undefined);
      const places = found && (AT_RETURN.includes(kind) ? returnsOf(xv6, found.address) : [found.address]);
      const names = FUNCTIONS[kind].join(' or ');
      if (!found) this.missingByKind.set(kind, `the kernel has no function ${names}`);
      else if (!places?.length) this.missingByKind.set(kind, `where ${found.name} returns is not known`);
      for (const address of places ?? []) this.byKind.set(address, kind);
      const copies = found ? xv6.binary.inlinedCopies(found.name).length : 0;
      if (found && copies > 0)
        this.partlySeen.set(kind, `${found.name} is inlined in ${copies} places, where it is not seen`);
    }
    if (!xv6.proc && !this.missingByKind.has('create')) this.missingByKind.set('create', 'the processes are not known');
  }

  /** Why events of a kind cannot be seen; undefined if they can. */
  missing(kind: KernelEventKind): string | undefined {
    return this.missingByKind.get(kind);
  }

  /** Why not all events of a kind are seen. */
  partly(kind: KernelEventKind): string | undefined {
    return this.partlySeen.get(kind);
  }

  /** Addresses at which a hart must be checked for events of these kinds. */
  addresses(kinds: ReadonlySet<KernelEventKind>): bigint[] {
    return [...this.byKind].flatMap(([address, kind]) => (kinds.has(kind) ? [address] : []));
  }

  /** The event that a hart at `pc` is just about to make; undefined if it is none. */
  at(hart: Hart): KernelEvent | undefined {
    const kind = hart.mode === Mode.User ? undefined : this.byKind.get(hart.pc);
    const by = kind === undefined ? undefined : this.running(hart);
    const read = (address: bigint, length: number): Uint8Array | undefined => this.readAt(hart, address, length);
    switch (kind) {
      case undefined:
        return undefined;
      case 'panic':
        return { kind, hart: hart.id, message: panicMessage((i) => hart.x(A0 + i), read) ?? '(no message)' };
      case 'switch':
        return { kind, hart: hart.id, from: this.around(hart.x(A0)), to: this.around(hart.x(A1)) };
      case 'create': {
        const child = this.around(hart.x(A0));
        return child && { kind, hart: hart.id, by, child: child.pid };
      }
      case 'exec':
        return { kind, hart: hart.id, by, path: readString(read, hart.x(A0), 128) ?? '(a path that cannot be read)' };
      case 'exit':
        return { kind, hart: hart.id, by, status: Number(BigInt.asIntN(32, hart.x(A0))) };
      case 'map':
        return { kind, hart: hart.id, root: hart.x(A0) };
      case 'allocate':
      case 'free':
        return { kind, hart: hart.id, page: hart.x(A0) };
    }
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

/** Every `ret` of a function: there, its result is in a0. */
export function returnsOf({ binary, read }: Pick<Xv6, 'binary' | 'read'>, start: bigint): bigint[] {
  const found = binary.functionAt(start);
  const symbol = binary.symbolAt(start)?.symbol;
  const end = found?.high ?? (symbol && symbol.size > 0n ? start + symbol.size : undefined);
  const returns: bigint[] = [];
  if (end === undefined || end - start > LONGEST) return returns;
  for (const { address, decoded } of instructionsFrom((at, length) => read(at, length), start, end))
    if (decoded && isReturn(decoded)) returns.push(address);
  return returns;
}
