/** The variables of a function that can be seen at a place in it. */
import type { Scope, Variable } from '../symbols/api';
import type { Frame } from './frame';

/** The innermost block first. */
export const scopesOf = (frame: Frame): Scope[] =>
  (frame.image?.binary.scopesAt(frame.lookup) ?? []).filter(
    ({ inlinedDepth }) => inlinedDepth === undefined || inlinedDepth === frame.inlinedDepth,
  );

export const localVariables = (frame: Frame): Variable[] => scopesOf(frame).flatMap(({ variables }) => variables);
