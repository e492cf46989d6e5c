/** Variables that are declared outside of functions: globals, and statics of a file, a namespace or a class. */
import type { Type, Variable } from '../api';
import type { LinkedCode } from '../code';
import type { Damage } from './damage';
import { At } from '../dwarf/constants';
import type { Die } from '../dwarf/die';
import type { Unit } from '../dwarf/unit';
import { type VariableOrigin, makeVariable } from './functions';
import { isNamed, type Names } from './names';
import { sizeOf } from './size-of';
import type { Types } from './types';

export class Globals {
  private list: readonly Variable[] | undefined;

  constructor(
    private readonly names: () => Names,
    private readonly around: {
      types: Types;
      damage: Damage;
      code: LinkedCode;
      origins: WeakMap<Variable, VariableOrigin>;
    },
  ) {}

  get all(): readonly Variable[] {
    this.list ??= this.names()
      .variables.map((die) => this.around.damage.guard(die, undefined, () => this.variable(die)))
      .filter((variable) => variable !== undefined);
    return this.list;
  }

  /** By its name or the end of it; one of `unit` comes first. */
  named(name: string, unit: Unit | undefined): Variable | undefined {
    const ends = this.all.filter((variable) => isNamed(variable.name, name));
    const exact = ends.filter((variable) => variable.name === name);
    const found = exact.length > 0 ? exact : ends;
    if (found.length > 1 && unit !== undefined) {
      const own = found.find((variable) => this.around.origins.get(variable)?.die.unit === unit);
      if (own !== undefined) return own;
    }
    return found.find(({ kind }) => kind === 'global') ?? found[0] ?? this.declaredElsewhere(name);
  }

  private variable(die: Die): Variable {
    const kind = die.withAttribute(At.external)?.flag(At.external) === true ? 'global' : 'static';
    const { types, origins } = this.around;
    const variable: Variable = makeVariable({ die, subprogram: undefined }, kind, origins, () =>
      this.withLength(types.ofEntry(die), variable),
    );
    return variable;
  }

  /** The length of an array declared as `T a[]` follows from its symbol's size. */
  private withLength(type: Type, { name, kind }: Variable): Type {
    if (type.kind !== 'array' || type.count !== undefined || kind !== 'global') return type;
    const size = Number(this.around.code.symbol(name)?.size ?? 0n);
    const elementSize = sizeOf(type.element);
    return size > 0 && elementSize > 0
      ? { kind: 'array', element: type.element, count: Math.floor(size / elementSize) }
      : type;
  }

  /** A variable that C only declares and a linker script or assembly defines: `extern char trampoline[]`. */
  private declaredElsewhere(name: string): Variable | undefined {
    const die = this.names().declarations.get(name);
    return die !== undefined && this.around.code.symbol(name) !== undefined
      ? this.around.damage.guard(die, undefined, () => this.variable(die))
      : undefined;
  }
}
