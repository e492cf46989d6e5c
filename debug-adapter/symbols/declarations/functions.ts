/**
 * Functions and their lexical blocks, inlined calls and variables (DWARF 5, chapter 3). The index of functions reads only
 * their own entries; blocks are read when an address is looked up in them.
 */
import {
  SymbolError,
  type FunctionInfo,
  type FunctionType,
  type InlinedCall,
  type LineEntry,
  type Scope,
  type Type,
  type Variable,
} from '../api';
import type { Damage } from './damage';
import type { AddressRange, Die } from '../dwarf/die';
import { At, Op, Tag } from '../dwarf/constants';
import { isNamed } from './names';
import type { Types } from './types';

/** The entries that a variable was made from, for locating it. */
export interface VariableOrigin {
  die: Die;
  /** The function around it; undefined if it is declared outside of functions. */
  subprogram: Subprogram | undefined;
}

/** What functions need from the file around them. */
export interface Surroundings {
  types: Types;
  origins: WeakMap<Variable, VariableOrigin>;
  /** The address after the prologue, by the line table. */
  endOfPrologue(subprogram: Subprogram): bigint;
  lineAt(address: bigint): LineEntry | undefined;
  damage: Damage;
}

export class Subprogram implements FunctionInfo {
  readonly name: string;
  readonly low: bigint;
  readonly high: bigint;
  private declared: { file: string | undefined; line: number | undefined } | undefined;
  private firstStatement: bigint | undefined;
  private parameterList: Variable[] | undefined;
  private callSiteMap: Map<bigint, Die> | undefined;

  constructor(
    readonly die: Die,
    private readonly around: Surroundings,
  ) {
    this.name = die.qualifiedName ?? '';
    // A function may have several parts, hot and cold. It is entered in the part with its entry pc, or in the first one.
    const first = die.ranges[0];
    if (first === undefined) throw new SymbolError(`${die.unit.section.name}: ${this.name} has no code`);
    this.low = die.address(At.entryPc) ?? first.low;
    this.high = (die.ranges.find((range) => range.low <= this.low && this.low < range.high) ?? first).high;
  }

  get ranges(): readonly AddressRange[] {
    return this.die.ranges;
  }

  get file(): string | undefined {
    return this.place.file;
  }

  get line(): number | undefined {
    return this.place.line;
  }

  get bodyStart(): bigint {
    return this.die.unit.hasLocationLists ? this.low : this.stepStart;
  }

  get stepStart(): bigint {
    this.firstStatement ??= this.around.endOfPrologue(this);
    return this.firstStatement;
  }

  get type(): FunctionType {
    return this.around.types.functionType(this.die);
  }

  get parameters(): Variable[] {
    this.parameterList ??= this.around.damage.guard(this.die, [], () =>
      this.variables(this.die).filter(({ kind }) => kind === 'parameter'),
    );
    return this.parameterList;
  }

  /** Blocks and inlined calls around an address, outermost first, the function itself at the head. */
  blocksAt(address: bigint): Die[] {
    const path = [this.die];
    for (let at: Die | undefined = this.die; at !== undefined;) {
      at = at.children.find((child) => isBlock(child) && child.contains(address));
      if (at !== undefined) path.push(at);
    }
    return path;
  }

  inlinedCallsAt(address: bigint): InlinedCall[] {
    return this.blocksAt(address)
      .filter((block) => block.tag === Tag.inlinedSubroutine)
      .reverse()
      .map((call) => {
        const file = call.number(At.callFile);
        return {
          name: call.qualifiedName ?? '',
          callFile: file === undefined ? undefined : call.unit.fileName(file),
          callLine: call.number(At.callLine),
        };
      });
  }

  /** The inlined copies of another function in this one. */
  inlinedCopies(name: string): Die[] {
    const inner = (block: Die): Die[] => block.children.filter(isBlock).flatMap((child) => [child, ...inner(child)]);
    return inner(this.die).filter(
      (block) => block.tag === Tag.inlinedSubroutine && isNamed(block.qualifiedName ?? '', name),
    );
  }

  scopesAt(address: bigint): Scope[] {
    const scopes: Scope[] = [];
    let inlinedDepth = 0;
    for (const block of this.blocksAt(address).reverse()) {
      const { low, high } = block.ranges.find((range) => range.low <= address && address < range.high) ?? this;
      const variables = this.variables(block);
      if (block.tag !== Tag.lexicalBlock || variables.length > 0) scopes.push({ low, high, variables, inlinedDepth });
      inlinedDepth += block.tag === Tag.inlinedSubroutine ? 1 : 0;
    }
    return scopes;
  }

  /** The entry in this function that was made from a variable of its abstract instance, if there is one. */
  copyOf(abstract: Die): Die | undefined {
    const within = (block: Die): Die | undefined => {
      for (const child of block.children) {
        if (isVariable(child) && child.reference(At.abstractOrigin) === abstract) return child;
        const inner = isBlock(child) ? within(child) : undefined;
        if (inner !== undefined) return inner;
      }
      return undefined;
    };
    return within(this.die);
  }

  /** The entry of the call that returns to an address. */
  callSite(returnAddress: bigint): Die | undefined {
    this.callSiteMap ??= new Map(callSites(this.die));
    return this.callSiteMap.get(returnAddress);
  }

  /** Where it is declared. Assemblers record no declarations, only lines. */
  private get place(): { file: string | undefined; line: number | undefined } {
    this.declared ??= this.around.damage.guard(this.die, { file: undefined, line: undefined }, () => {
      const declared = this.die.declaredAt;
      return declared.file === undefined ? (this.around.lineAt(this.low) ?? declared) : declared;
    });
    return this.declared;
  }

  private variables(block: Die): Variable[] {
    return [...block.children, ...inherited(block)].filter(isVariable).flatMap((child) =>
      // One that is damaged does not cost the others.
      this.around.damage.guard(child, [], () => (child.name === undefined ? [] : [this.variable(child)])),
    );
  }

  private variable(die: Die): Variable {
    const { origins, types } = this.around;
    const kind = die.tag === Tag.formalParameter ? 'parameter' : isStatic(die) ? 'static' : 'local';
    return makeVariable({ die, subprogram: this }, kind, origins, () => types.ofEntry(die));
  }
}

/** A variable whose type is read on first use. */
export function makeVariable(
  origin: VariableOrigin,
  kind: Variable['kind'],
  origins: WeakMap<Variable, VariableOrigin>,
  readType: () => Type,
): Variable {
  const { die } = origin;
  let type: Type | undefined;
  const variable = {
    name: die.qualifiedName ?? '',
    kind,
    ...die.declaredAt,
    get type() {
      type ??= readType();
      return type;
    },
  };
  origins.set(variable, origin);
  return variable;
}

function isBlock(die: Die): boolean {
  return die.tag === Tag.lexicalBlock || die.tag === Tag.inlinedSubroutine;
}

/** Whether an entry defines a variable or parameter; an extern declaration does not. */
function isVariable(die: Die): boolean {
  return (die.tag === Tag.formalParameter || die.tag === Tag.variable) && !die.flag(At.declaration);
}

/**
 * The variables that a block's abstract instance has and this copy omits: static ones, and those that the optimizer has
 * removed from the copy.
 */
function inherited(block: Die): Die[] {
  const origin = block.reference(At.abstractOrigin);
  if (origin === undefined) return [];
  const copied = new Set(copiedVariables(block));
  return origin.children.filter((child) => isVariable(child) && !copied.has(child));
}

function* copiedVariables(block: Die): Generator<Die> {
  for (const child of block.children) {
    const origin = isVariable(child) ? child.reference(At.abstractOrigin) : undefined;
    if (origin !== undefined) yield origin;
    else if (child.tag === Tag.lexicalBlock) yield* copiedVariables(child);
  }
}

const ADDRESSES: readonly number[] = [Op.addr, Op.addrx, Op.gnuAddrIndex];

/** A function's variable is static if its address is fixed. */
function isStatic(die: Die): boolean {
  const expression = die.withAttribute(At.location)?.block(At.location);
  return expression !== undefined && ADDRESSES.includes(expression[0]!);
}

function* callSites(die: Die): Generator<[bigint, Die]> {
  for (const child of die.children) {
    if (child.tag === Tag.callSite || child.tag === Tag.gnuCallSite) {
      const address = child.address(At.callReturnPc) ?? child.address(At.lowPc);
      if (address !== undefined) yield [address, child];
    } else if (isBlock(child)) {
      yield* callSites(child);
    }
  }
}
