/**
 * The user's breakpoints: in lines of source, on functions, on instructions. Each is kept as the user set it, and bound
 * to addresses whenever a kernel is loaded, so it follows its line when the kernel is rebuilt. An address alone says
 * little, since all user programs use the same ones: a place is an address in the kernel or in one program.
 */
import type { State } from '../../emulator/types';
import { bindBreakpoint } from './binding';
import type { Binding, BindingTarget, BreakpointSpec, LinkedLocation } from './breakpoint-spec';
import { type CountedRun, type Hits, restoredHits, savedHits } from './hits';
import type { Program } from '../code/programs';

export interface Breakpoint extends Hits {
  readonly id: number;
  readonly spec: BreakpointSpec;
  binding: Binding;
}

/** Where breakpoints are that a hart can meet at an address. */
interface BoundBreakpoint {
  breakpoint: Breakpoint;
  owner: LinkedLocation['owner'];
}

const NOT_LOADED: Binding = { verified: false, message: 'The kernel is not loaded yet.', locations: [] };

export class Breakpoints {
  /** Undefined before the first one. */
  run: CountedRun | undefined;
  private nextId = 1;
  private target: BindingTarget | undefined;
  private readonly lines = new Map<string, Breakpoint[]>();
  private functions: Breakpoint[] = [];
  private instructions: Breakpoint[] = [];
  /** By running address. */
  private byAddress = new Map<bigint, BoundBreakpoint[]>();
  private changes = 0;

  get addresses(): Iterable<bigint> {
    return this.byAddress.keys();
  }

  /** Counts changes, so that others can tell whether what they made of the addresses still holds. */
  get version(): number {
    return this.changes;
  }

  /** What a hart meets at `pc`. `owns` says whether the kernel, or that program, is what it runs there. */
  at(pc: bigint, owns: (owner: 'kernel' | Program) => boolean): Breakpoint[] {
    const found = (this.byAddress.get(pc) ?? []).filter(({ owner }) => owner === 'any' || owns(owner));
    return [...new Set(found.map(({ breakpoint }) => breakpoint))];
  }

  setLines(path: string, wanted: readonly BreakpointSpec[]): Breakpoint[] {
    const made = this.make(wanted, this.lines.get(path) ?? []);
    this.lines.set(path, made);
    this.index();
    return made;
  }

  setFunctions(wanted: readonly BreakpointSpec[]): Breakpoint[] {
    this.functions = this.make(wanted, this.functions);
    this.index();
    return this.functions;
  }

  setInstructions(wanted: readonly BreakpointSpec[]): Breakpoint[] {
    this.instructions = this.make(wanted, this.instructions);
    this.index();
    return this.instructions;
  }

  /** Binds all of them again. Returns those whose locations have changed. */
  bind(target: BindingTarget): Breakpoint[] {
    this.target = target;
    const moved = this.all().filter((breakpoint) => {
      const before = breakpoint.binding;
      breakpoint.binding = this.place(breakpoint.spec);
      Object.assign(breakpoint, { hits: 0, reported: false, since: this.run?.instant });
      const now = breakpoint.binding;
      return (
        before.verified !== now.verified ||
        before.line !== now.line ||
        before.column !== now.column ||
        before.message !== now.message
      );
    });
    this.index();
    return moved;
  }

  /** As the user has set them. */
  get specs(): BreakpointSpec[] {
    return this.all().map(({ spec }) => spec);
  }

  save(): State {
    return savedHits(this.all());
  }

  /** Throws an Error, and changes nothing, if it is not what `save` made. */
  restore(state: State): void {
    const hitsOf = restoredHits('breakpoints', state);
    for (const breakpoint of this.all()) Object.assign(breakpoint, hitsOf(breakpoint.id));
  }

  private all(): Breakpoint[] {
    return [...this.lines.values()].flat().concat(this.functions, this.instructions);
  }

  /** One that was there before keeps its id and its hits. */
  private make(wanted: readonly BreakpointSpec[], before: readonly Breakpoint[]): Breakpoint[] {
    const old = new Map(before.map((breakpoint) => [key(breakpoint.spec), breakpoint]));
    return wanted.map((one) => {
      const kept = old.get(key(one));
      if (kept) old.delete(key(one));
      if (!kept && one.hitCondition) this.run?.countsFromHere();
      return kept ?? { id: this.nextId++, spec: one, binding: this.place(one), hits: 0, since: this.run?.instant };
    });
  }

  private index(): void {
    this.byAddress = new Map();
    this.changes++;
    for (const breakpoint of this.all()) {
      for (const { address: linked, owner } of breakpoint.binding.locations) {
        const image = typeof owner === 'string' ? this.target?.image : owner.image;
        for (const address of image?.running(linked) ?? [linked]) {
          const there = this.byAddress.get(address);
          if (there) there.push({ breakpoint, owner });
          else this.byAddress.set(address, [{ breakpoint, owner }]);
        }
      }
    }
  }

  private place(wanted: BreakpointSpec): Binding {
    return this.target ? bindBreakpoint(this.target, wanted) : NOT_LOADED;
  }
}

const key = (wanted: BreakpointSpec): string =>
  JSON.stringify(wanted, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
