/**
 * Makes C types from their entries (DWARF 5, chapter 5), one type for each entry; a type's parts are made on first use, so
 * that a type which leads back to itself through a pointer is no problem. A type that contains itself by value, which only
 * damage can cause, is detected before anyone follows it.
 */
import { hex } from '../../../emulator/isa/hex';
import {
  SymbolError,
  type ArrayType,
  type BaseType,
  type EnumType,
  type FunctionType,
  type Member,
  type PointerType,
  type QualifiedType,
  type RecordType,
  type Type,
  type TypedefType,
  type Variants,
  type VoidType,
} from '../api';
import type { Damage } from './damage';
import type { Die } from '../dwarf/die';
import { elementCount, isBoundAtRunTime } from './array-types';
import { At, Encoding, Tag } from '../dwarf/constants';
import { LARGEST_OBJECT, LARGEST_SCALAR } from './limits';
import { isMember, membersIn, readMember, readVariants } from './members';
import { canonicalTypeName } from './names';

const RECORDS: readonly number[] = [Tag.structureType, Tag.classType, Tag.unionType];

const voidType: VoidType = { kind: 'void' };
/** A type that is not understood: its values have no size and cannot be shown, but pointers to them can. */
const UNKNOWN: RecordType = { kind: 'struct', name: '<unknown>', size: 0, complete: false, members: [] };

const QUALIFIERS = new Map<number, QualifiedType['kind']>([
  [Tag.constType, 'const'],
  [Tag.volatileType, 'volatile'],
  [Tag.restrictType, 'restrict'],
  [Tag.atomicType, 'atomic'],
]);

const ENCODINGS = new Map<number, BaseType['encoding']>([
  [Encoding.boolean, 'boolean'],
  [Encoding.float, 'float'],
  [Encoding.signed, 'signed'],
  [Encoding.signedChar, 'char'],
  [Encoding.unsigned, 'unsigned'],
  [Encoding.unsignedChar, 'unsigned char'],
  [Encoding.utf, 'unsigned char'],
]);

/** Deepest nesting of members and elements; C compilers guarantee 63 to 127. */
const DEEPEST_CONTAINMENT = 256;
const MOST_DIMENSIONS = 256;
/** Makes types. */
export class Types {
  private readonly known = new Map<Die, Type>();
  private readonly sound = new Set<Die>();

  constructor(readonly damage: Damage) {}

  /** The type that an entry's DW_AT_type names; void if it names none. */
  ofEntry(die: Die): Type {
    return this.damage.guard(die, UNKNOWN, () => {
      const target = die.withAttribute(At.type)?.reference(At.type);
      return target === undefined ? voidType : this.ofDie(target);
    });
  }

  /** The type that an entry describes. */
  ofDie(die: Die): Type {
    let type = this.known.get(die);
    if (type === undefined) {
      type = this.damage.guard(die, UNKNOWN, () => {
        this.checkContainment(die, 0, new Set());
        // A declaration may refer to a type in a type unit.
        return this.make(die.reference(At.signature) ?? die);
      });
      this.known.set(die, type);
    }
    return type;
  }

  private make(die: Die): Type {
    switch (die.tag) {
      case Tag.baseType:
        return {
          kind: 'base',
          name: canonicalTypeName(die.name ?? ''),
          size: scalarSize(die, 0),
          encoding: ENCODINGS.get(die.number(At.encoding) ?? 0) ?? 'unsigned',
        };
      case Tag.pointerType:
        return new LazyPointer(scalarSize(die, die.unit.addressSize), () => this.ofEntry(die));
      case Tag.referenceType:
      case Tag.rvalueReferenceType:
        return new LazyPointer(scalarSize(die, die.unit.addressSize), () => this.ofEntry(die), true);
      case Tag.structureType:
      case Tag.classType:
      case Tag.unionType:
        return new LazyRecord(this, die);
      case Tag.arrayType:
        return this.array(die);
      case Tag.enumerationType:
        return new LazyEnum(this, die);
      case Tag.subroutineType:
      case Tag.subprogram:
        return this.functionType(die);
      case Tag.typedef:
        return new LazyTypedef(die.qualifiedName ?? '', () => this.ofEntry(die));
      case Tag.unspecifiedType:
        return voidType;
      default: {
        const kind = QUALIFIERS.get(die.tag);
        if (kind === undefined) {
          throw new SymbolError(
            `${die.unit.section.name}: the entry at ${hex(die.offset)} is no type (${hex(die.tag)})`,
          );
        }
        return new LazyQualified(kind, () => this.ofEntry(die));
      }
    }
  }

  /** A function's type. A definition without parameters has those of its declaration. */
  functionType(die: Die): FunctionType {
    return new LazyFunction(this, die);
  }

  private array(die: Die): Type {
    const dimensions = die.children.filter((child) => child.tag === Tag.subrangeType);
    if (dimensions.length > MOST_DIMENSIONS) {
      throw new SymbolError(
        `${die.unit.section.name}: the array at ${hex(die.offset)} has ${dimensions.length} dimensions`,
      );
    }
    const build = (index: number): ArrayType => {
      const subrange = dimensions[index];
      return {
        kind: 'array',
        element: index + 1 < dimensions.length ? build(index + 1) : this.ofEntry(die),
        count: subrange && elementCount(subrange),
        ...(subrange && isBoundAtRunTime(subrange) && { bound: { subrange } }),
      };
    };
    return build(0);
  }

  /** Throws if the type contains itself without a pointer in between. */
  private checkContainment(die: Die, depth: number, within: Set<Die>): void {
    if (this.sound.has(die)) return;
    if (within.has(die) || depth > DEEPEST_CONTAINMENT)
      throw new SymbolError(`${die.unit.section.name}: the type at ${hex(die.offset)} contains itself`);
    within.add(die);
    for (const part of contained(die)) this.checkContainment(part, depth + 1, within);
    within.delete(die);
    this.sound.add(die);
  }
}

function contained(die: Die): Die[] {
  if (RECORDS.includes(die.tag)) return membersIn(die).flatMap((child) => child.reference(At.type) ?? []);
  const wraps = die.tag === Tag.typedef || die.tag === Tag.arrayType || QUALIFIERS.has(die.tag);
  const target = wraps ? die.reference(At.type) : undefined;
  return target === undefined ? [] : [target];
}

class LazyPointer implements PointerType {
  readonly kind = 'pointer';
  constructor(
    readonly size: number,
    private readonly find: () => Type,
    readonly isReference = false,
  ) {}
  get target(): Type {
    return this.find();
  }
}

class LazyTypedef implements TypedefType {
  readonly kind = 'typedef';
  constructor(
    readonly name: string,
    private readonly find: () => Type,
  ) {}
  get target(): Type {
    return this.find();
  }
}

class LazyQualified implements QualifiedType {
  constructor(
    readonly kind: QualifiedType['kind'],
    private readonly find: () => Type,
  ) {}
  get target(): Type {
    return this.find();
  }
}

class LazyFunction implements FunctionType {
  readonly kind = 'function';
  private list: Type[] | undefined;

  constructor(
    private readonly types: Types,
    private readonly die: Die,
  ) {}

  get result(): Type {
    return this.types.ofEntry(this.die);
  }

  get parameters(): Type[] {
    this.list ??= this.types.damage.guard(this.die, [], () =>
      this.entries(Tag.formalParameter).map((child) => this.types.ofEntry(child)),
    );
    return this.list;
  }

  /** DWARF records `f()` without a prototype as variadic too; but in C, `...` needs a parameter before it. */
  get variadic(): boolean {
    return (
      this.parameters.length > 0 &&
      this.types.damage.guard(this.die, false, () => this.entries(Tag.unspecifiedParameters).length > 0)
    );
  }

  private entries(tag: number): Die[] {
    return this.die.children.filter((child) => child.tag === tag);
  }
}

class LazyRecord implements RecordType {
  readonly kind: RecordType['kind'];
  readonly name: string | undefined;
  readonly size: number;
  readonly complete: boolean;
  readonly standsAlone: boolean;
  private list: Member[] | undefined;
  private parts: Variants | false | undefined;

  constructor(
    private readonly types: Types,
    private readonly die: Die,
  ) {
    this.kind = die.tag === Tag.unionType ? 'union' : 'struct';
    this.name = die.qualifiedName;
    this.size = size(die);
    this.complete = !die.flag(At.declaration);
    this.standsAlone = !die.unit.isC;
  }

  get members(): Member[] {
    this.list ??= this.die.children.filter(isMember).flatMap((child) => this.member(child) ?? []);
    return this.list;
  }

  get variants(): Variants | undefined {
    const { die, types } = this;
    this.parts ??= types.damage.guard(die, false, () => readVariants(die, (child) => this.member(child)) ?? false);
    return this.parts === false ? undefined : this.parts;
  }

  private member(child: Die): Member | undefined {
    const { types } = this;
    return types.damage.guard(child, undefined, () => readMember(child, types.ofEntry(child)));
  }
}

class LazyEnum implements EnumType {
  readonly kind = 'enum';
  readonly name: string | undefined;
  readonly size: number;
  readonly standsAlone: boolean;
  private list: EnumType['values'] | undefined;

  constructor(
    private readonly types: Types,
    private readonly die: Die,
  ) {
    this.name = die.qualifiedName;
    this.size = scalarSize(die, 0);
    this.standsAlone = !die.unit.isC;
  }

  get values(): EnumType['values'] {
    this.list ??= this.types.damage.guard(this.die, [], () =>
      this.die.children
        .filter((child) => child.tag === Tag.enumerator)
        .map((child) => ({ name: child.name ?? '', value: child.constant(At.constValue) ?? 0n })),
    );
    return this.list;
  }

  /** Whether its underlying type is signed; if none is recorded, whether it has a negative value. */
  get signed(): boolean {
    const type = this.die.has(At.type) ? this.types.ofEntry(this.die) : undefined;
    return type?.kind === 'base'
      ? type.encoding === 'signed' || type.encoding === 'char'
      : this.values.some(({ value }) => value < 0n);
  }
}

function size(die: Die, absent = 0, largest = LARGEST_OBJECT): number {
  const bytes = die.number(At.byteSize) ?? absent;
  if (bytes < 0 || bytes > largest)
    throw new SymbolError(`${die.unit.section.name}: the type at ${hex(die.offset)} has a size of ${bytes} bytes`);
  return bytes;
}

function scalarSize(die: Die, absent: number): number {
  return size(die, absent, LARGEST_SCALAR);
}
