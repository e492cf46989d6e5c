/**
 * The user's breakpoints: in lines of source, on functions, on instructions. Each is kept as it was asked for and bound
 * to addresses whenever a kernel is loaded, so it follows its line when the kernel is rebuilt. An address alone says
 * little, since all user programs use the same ones: a place is an address in the kernel or in one program.
 */
import { bindWanted } from './binding';
import type { Extras, Hits } from './conditions';
import type { Image } from '../code/mapped-program';
import type { Program } from '../code/programs';
import type { Sources } from '../code/sources';

/** Where a breakpoint was asked for. */
export type Wanted = Extras &
  (
    | { kind: 'line'; path: string; line: number; column?: number }
    | { kind: 'function'; name: string }
    /** Of the user program of that name; of whatever runs at the address if none is named. */
    | { kind: 'instruction'; address: bigint; program?: string }
  );

/** Where a breakpoint is, or why it is nowhere. */
export interface Placed {
  verified: boolean;
  message?: string;
  path?: string;
  line?: number;
  column?: number;
  places: readonly Place[];
}

/** An address as it was linked, and whose it is: an instruction breakpoint holds in whatever runs there. */
export interface Place {
  address: bigint;
  owner: 'kernel' | 'any' | Program;
}

export interface Breakpoint extends Hits {
  readonly id: number;
  readonly wanted: Wanted;
  placed: Placed;
}

/** What breakpoints are bound to. */
export interface Target {
  /** The kernel. */
  image: Image;
  programs: readonly Program[];
  sources: Sources;
}

/** Where breakpoints are that a hart can meet at an address. */
interface Bound {
  breakpoint: Breakpoint;
  owner: Place['owner'];
}

const NOT_LOADED: Placed = { verified: false, message: 'The kernel is not loaded yet.', places: [] };

export class Breakpoints {
  #nextId = 1;
  #target: Target | undefined;
  readonly #lines = new Map<string, Breakpoint[]>();
  #functions: Breakpoint[] = [];
  #instructions: Breakpoint[] = [];
  /** By running address. */
  #byAddress = new Map<bigint, Bound[]>();
  #version = 0;

  get addresses(): Iterable<bigint> {
    return this.#byAddress.keys();
  }

  /** Counts changes, so that others can tell whether what they made of the addresses still holds. */
  get version(): number {
    return this.#version;
  }

  /** What a hart meets at `pc`. `owns` says whether the kernel, or that program, is what it runs there. */
  at(pc: bigint, owns: (owner: 'kernel' | Program) => boolean): Breakpoint[] {
    const found = (this.#byAddress.get(pc) ?? []).filter(({ owner }) => owner === 'any' || owns(owner));
    return [...new Set(found.map(({ breakpoint }) => breakpoint))];
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
      breakpoint.told = false;
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

  /** As they were asked for. */
  get wanted(): Wanted[] {
    return this.#all().map(({ wanted }) => wanted);
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
      for (const { address: linked, owner } of breakpoint.placed.places) {
        const image = typeof owner === 'string' ? this.#target?.image : owner.image;
        for (const address of image?.running(linked) ?? [linked]) {
          const there = this.#byAddress.get(address);
          if (there) there.push({ breakpoint, owner });
          else this.#byAddress.set(address, [{ breakpoint, owner }]);
        }
      }
    }
  }

  #place(wanted: Wanted): Placed {
    return this.#target ? bindWanted(this.#target, wanted) : NOT_LOADED;
  }
}

const key = (wanted: Wanted): string =>
  JSON.stringify(wanted, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
