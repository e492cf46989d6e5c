/**
 * Numbers with fields of their own: a CSR, a page-table entry by its address, and any number whose type has fields, as the
 * guest's `pte_t` has.
 */
import { ExpressionError } from './error';
import { store } from './store';
import { isInteger, plain, typeName, UNSIGNED_LONG } from './types';
import { constant, numberOf, type EvaluationContext, type MachineWord, type Value } from './value';

/** The word that a value is; undefined for a value without fields, and for a field itself. */
export function wordOf(value: Value, context: EvaluationContext): MachineWord | undefined {
  if (value.machine) return value.machine.kind === 'word' && !value.machine.field ? value.machine.word : undefined;
  const fields = isInteger(plain(value.type)) ? context.meanings?.fieldsOf(value.type) : undefined;
  if (!fields) return undefined;
  return {
    ...fields,
    name: typeName(value.type),
    read: () => attempt(() => BigInt.asUintN(64, numberOf(value, context))),
    write: (number) => attempt(() => store(value, constant(number, UNSIGNED_LONG), undefined, context)) !== undefined,
    leadsTo: (number) => context.meanings?.leadsTo(number) ?? [],
  };
}

function attempt<T>(what: () => T): T | undefined {
  try {
    return what();
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}
