/**
 * The user's breakpoints: in lines of source, on functions, on instructions. Each is kept as it was asked for and bound
 * to addresses whenever a program is loaded, so it follows its line when the kernel is rebuilt.
 */
import type { Image } from '../image';
import type { Sources } from '../sources';

/** What a breakpoint may carry besides its place. */
export interface Extras {
  condition?: string;
  hitCondition?: string;
  logMessage?: string;
}

/** Where a breakpoint was asked for. */
export type Wanted = Extras &
  (
    | { kind: 'line'; path: string; line: number; column?: number }
    | { kind: 'function'; name: string }
    | { kind: 'instruction'; address: bigint }
  );

/** Where a breakpoint is, or why it is nowhere. */
export interface Placed {
  verified: boolean;
  message?: string;
  path?: string;
  line?: number;
  column?: number;
  /** Addresses in the program as it was linked. */
  addresses: bigint[];
}

export interface Breakpoint {
  readonly id: number;
  readonly wanted: Wanted;
  placed: Placed;
  hits: number;
}

/** The program that breakpoints are bound to. */
export interface Target {
  image: Image;
  sources: Sources;
}

const NOT_LOADED: Placed = { verified: false, message: 'The kernel is not loaded yet.', addresses: [] };

export class Breakpoints {
  #nextId = 1;
  #target: Target | undefined;
  readonly #lines = new Map<string, Breakpoint[]>();
  #functions: Breakpoint[] = [];
  #instructions: Breakpoint[] = [];
  /** Running addresses, to the breakpoints there. */
  #byAddress = new Map<bigint, Breakpoint[]>();
  #version = 0;

  get addresses(): Iterable<bigint> {
    return this.#byAddress.keys();
  }

  /** Counts changes, so that others can tell whether what they made of the addresses still holds. */
  get version(): number {
    return this.#version;
  }

  at(pc: bigint): readonly Breakpoint[] {
    return this.#byAddress.get(pc) ?? [];
  }

  setLines(path: string, wanted: readonly Wanted[]): Breakpoint[] {
    const made = this.#make(wanted, this.#lines.get(path) ?? []);
    this.#lines.set(path, made);
    this.#index();
    return made;
  }

  setFunctions(wanted: readonly Wanted[]): Breakpoint[] {
    this.#functions = this.#make(wanted, this.#functions);
    this.#index();
    return this.#functions;
  }

  setInstructions(wanted: readonly Wanted[]): Breakpoint[] {
    this.#instructions = this.#make(wanted, this.#instructions);
    this.#index();
    return this.#instructions;
  }

  /** Binds all of them anew; answers those that are now elsewhere. */
  bind(target: Target): Breakpoint[] {
    this.#target = target;
    const moved = this.#all().filter((breakpoint) => {
      const before = breakpoint.placed;
      breakpoint.placed = this.#place(breakpoint.wanted);
      breakpoint.hits = 0;
      const now = breakpoint.placed;
      return (
        before.verified !== now.verified ||
        before.line !== now.line ||
        before.column !== now.column ||
        before.message !== now.message
      );
    });
    this.#index();
    return moved;
  }

  #all(): Breakpoint[] {
    return [...this.#lines.values()].flat().concat(this.#functions, this.#instructions);
  }

  /** One that was there before keeps its id and its hits. */
  #make(wanted: readonly Wanted[], before: readonly Breakpoint[]): Breakpoint[] {
    const old = new Map(before.map((breakpoint) => [key(breakpoint.wanted), breakpoint]));
    return wanted.map((one) => {
      const kept = old.get(key(one));
      if (kept) old.delete(key(one));
      return kept ?? { id: this.#nextId++, wanted: one, placed: this.#place(one), hits: 0 };
    });
  }

  #index(): void {
    this.#byAddress = new Map();
    this.#version++;
    for (const breakpoint of this.#all()) {
      for (const linked of breakpoint.placed.addresses) {
        for (const address of this.#target?.image.running(linked) ?? [linked]) {
          const there = this.#byAddress.get(address);
          if (there) there.push(breakpoint);
          else this.#byAddress.set(address, [breakpoint]);
        }
      }
    }
  }

  #place(wanted: Wanted): Placed {
    if (!this.#target) return NOT_LOADED;
    switch (wanted.kind) {
      case 'line':
        return placeLine(this.#target, wanted);
      case 'function':
        return placeFunction(this.#target, wanted.name);
      case 'instruction':
        return { verified: true, addresses: [this.#target.image.linked(wanted.address)] };
    }
  }
}

const key = (wanted: Wanted): string =>
  JSON.stringify(wanted, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));

function placeLine({ image, sources }: Target, wanted: { path: string; line: number; column?: number }): Placed {
  const { binary } = image;
  if (!binary.hasDebugInfo) {
    return {
      verified: false,
      message: `${binary.path} has no debug information: build the kernel with -g.`,
      addresses: [],
    };
  }
  const recorded = sources.recorded(wanted.path);
  const found = sources.mayHold(wanted.path, binary.files)
    ? binary.breakLocations(recorded, wanted.line, wanted.column)
    : [];
  const first = found[0];
  if (!first) {
    const known = binary.files.includes(recorded);
    const message = known
      ? `No code at line ${wanted.line} or below it in this file.`
      : 'The kernel has no code from this file.';
    return { verified: false, message, addresses: [] };
  }
  return {
    verified: true,
    path: wanted.path,
    line: first.line,
    ...(first.column > 0 ? { column: first.column } : {}),
    addresses: found.map(({ address }) => address),
  };
}

function placeFunction({ image, sources }: Target, name: string): Placed {
  const { binary } = image;
  const functions = binary.functionsNamed(name);
  const symbol = binary.symbol(name);
  const addresses = functions.map(({ bodyStart }) => bodyStart);
  // A label in assembly is a symbol and no function of the debug information's.
  if (addresses.length === 0 && symbol && image.contains(symbol.address)) addresses.push(symbol.address);
  if (addresses.length === 0) return { verified: false, message: `The kernel has no function "${name}".`, addresses };
  const entry = binary.lineAt(addresses[0]!);
  const path = entry && (sources.here(entry.file) ?? entry.file);
  return {
    verified: true,
    ...(path !== undefined && entry
      ? { path, line: entry.line, ...(entry.column > 0 ? { column: entry.column } : {}) }
      : {}),
    addresses,
  };
}
