/**
 * The tree of a parsed C expression (ISO C11, section 6.5), with the debugger's additions: `$register`, `$csr.FIELD`,
 * `$function(arguments)`, slices `a[0..4]` and gdb's `a[0]@4`.
 */
import type { Type } from '../../symbols/api';

export type UnaryOperator = '+' | '-' | '!' | '~' | '*' | '&';
export type ComparisonOperator = '==' | '!=' | '<' | '>' | '<=' | '>=';
export type ArithmeticOperator = '*' | '/' | '%' | '+' | '-' | '<<' | '>>' | '&' | '^' | '|';
export type Measure = 'sizeof' | '_Alignof';
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | '&&' | '||' | ',' | '@';

/** `at` is the 0-based offset for errors about the node. */
export type Expression = { at: number } & (
  | { kind: 'integer'; value: bigint; type: Type }
  | { kind: 'float'; value: number; type: Type }
  | { kind: 'string'; text: string }
  | { kind: 'name'; name: string }
  /** `proc.c::nextpid`, `freerange::count`. */
  | { kind: 'qualified'; scope: string; name: string }
  /** `$name`: a register, a CSR or a built-in of the debugger. */
  | { kind: 'dollar'; name: string }
  | { kind: 'call'; callee: Expression; arguments: Expression[] }
  | { kind: 'member'; object: Expression; name: string; arrow: boolean }
  | { kind: 'index'; object: Expression; index: Expression }
  /** Elements from `from` up to, but not including, `to`. */
  | { kind: 'slice'; object: Expression; from: Expression; to: Expression }
  | { kind: 'unary'; operator: UnaryOperator; operand: Expression }
  | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression }
  | { kind: 'conditional'; condition: Expression; whenTrue: Expression; whenFalse: Expression }
  | { kind: 'cast'; type: Type; operand: Expression }
  /** sizeof and _Alignof of a type; `measure-of` is of an expression's type. */
  | { kind: 'measure'; what: Measure; type: Type }
  | { kind: 'measure-of'; what: Measure; operand: Expression }
  /** `operator` undefined is plain `=`. */
  | { kind: 'assign'; operator: ArithmeticOperator | undefined; target: Expression; value: Expression }
  | { kind: 'step'; by: 1n | -1n; prefix: boolean; target: Expression }
);
