/**
 * Functions and what lies within them (DWARF 5, chapter 3): lexical blocks, inlined calls, and the variables of each. Blocks
 * are looked up by address when asked for; a function's own entry is all that an index of functions reads.
 */
import {
  SymbolError,
  type FunctionInfo,
  type FunctionType,
  type InlinedCall,
  type Scope,
  type Type,
  type Variable,
} from './api';
import type { AddressRange, Die } from './die';
import { At, Op, Tag } from './dwarf';
import type { Types } from './types';
import type { Unit } from './unit';

/** What a variable of the contract was made from, to locate it by. */
export interface VariableOrigin {
  die: Die;
  /** The function around it; undefined for what is declared outside of any. */
  subprogram: Subprogram | undefined;
}

/** What functions need from the file around them. */
export interface Surroundings {
  types: Types;
  origins: WeakMap<Variable, VariableOrigin>;
  bodyStart(subprogram: Subprogram): bigint;
  /** Runs `make`, and gives `fallback` where the unit is damaged. */
  guard<T>(unit: Unit, fallback: T, make: () => T): T;
}

export class Subprogram implements FunctionInfo {
  readonly name: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly low: bigint;
  readonly high: bigint;
  private body: bigint | undefined;
  private parameterList: Variable[] | undefined;
  private callSiteMap: Map<bigint, Die> | undefined;

  constructor(
    readonly die: Die,
    private readonly around: Surroundings,
  ) {
    this.name = die.name ?? '';
    ({ file: this.file, line: this.line } = die.declaredAt);
    // A function in several parts, hot and cold, is entered in the one that its entry lies in: the first, if none is named.
    const first = die.ranges[0];
    if (first === undefined) {
      throw new SymbolError(`${die.unit.section.name}: ${this.name} has no code`);
    }
    this.low = die.address(At.entryPc) ?? first.low;
    this.high = (die.ranges.find((range) => range.low <= this.low && this.low < range.high) ?? first).high;
  }

  get ranges(): readonly AddressRange[] {
    return this.die.ranges;
  }

  get bodyStart(): bigint {
    this.body ??= this.around.bodyStart(this);
    return this.body;
  }

  get type(): FunctionType {
    return this.around.types.functionType(this.die);
  }

  get parameters(): Variable[] {
    this.parameterList ??= this.around.guard(this.die.unit, [], () =>
      this.variables(this.die).filter(({ kind }) => kind === 'parameter'),
    );
    return this.parameterList;
  }

  /** Blocks and inlined calls around an address, outermost first, the function itself at the head. */
  blocksAt(address: bigint): Die[] {
    const path = [this.die];
    for (let at: Die | undefined = this.die; at !== undefined;) {
      at = at.children.find((child) => isBlock(child) && child.contains(address));
      if (at !== undefined) {
        path.push(at);
      }
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
          name: call.name ?? '',
          callFile: file === undefined ? undefined : call.unit.fileName(file),
          callLine: call.number(At.callLine),
        };
      });
  }

  scopesAt(address: bigint): Scope[] {
    const blocks = this.blocksAt(address).reverse();
    let inlinedDepth = 0;
    return blocks.map((block) => {
      const range = block.ranges.find(({ low, high }) => low <= address && address < high) ?? this;
      const scope = { low: range.low, high: range.high, variables: this.variables(block), inlinedDepth };
      inlinedDepth += block.tag === Tag.inlinedSubroutine ? 1 : 0;
      return scope;
    });
  }

  /** The entry about the call that returns to an address. */
  callSite(returnAddress: bigint): Die | undefined {
    this.callSiteMap ??= new Map(callSites(this.die));
    return this.callSiteMap.get(returnAddress);
  }

  private variables(block: Die): Variable[] {
    const variables: Variable[] = [];
    for (const child of block.children) {
      if (child.tag === Tag.formalParameter || child.tag === Tag.variable) {
        // An extern declaration names a variable that lives elsewhere.
        if (child.name !== undefined && !child.flag(At.declaration)) {
          variables.push(this.variable(child));
        }
      }
    }
    return variables;
  }

  private variable(die: Die): Variable {
    const { origins, types } = this.around;
    const kind = die.tag === Tag.formalParameter ? 'parameter' : isStatic(die) ? 'static' : 'local';
    return makeVariable({ die, subprogram: this }, kind, origins, () => types.ofEntry(die));
  }
}

/** A variable whose type is read when someone looks. */
export function makeVariable(
  origin: VariableOrigin,
  kind: Variable['kind'],
  origins: WeakMap<Variable, VariableOrigin>,
  readType: () => Type,
): Variable {
  const { die } = origin;
  let type: Type | undefined;
  const variable = {
    name: die.name ?? '',
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

/** A static variable of a function is one whose address is fixed. */
function isStatic(die: Die): boolean {
  const expression = die.withAttribute(At.location)?.block(At.location);
  return expression !== undefined && (expression[0] === Op.addr || expression[0] === Op.addrx);
}

function* callSites(die: Die): Generator<[bigint, Die]> {
  for (const child of die.children) {
    if (child.tag === Tag.callSite || child.tag === Tag.gnuCallSite) {
      const address = child.address(At.callReturnPc) ?? child.address(At.lowPc);
      if (address !== undefined) {
        yield [address, child];
      }
    } else if (isBlock(child)) {
      yield* callSites(child);
    }
  }
}
