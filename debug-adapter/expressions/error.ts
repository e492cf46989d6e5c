/** An error in an expression, and where it is. */
export class ExpressionError extends Error {
  constructor(
    readonly reason: string,
    /** 0-based offset in the expression's text; undefined if no single place is to blame. */
    readonly offset?: number,
  ) {
    super(offset === undefined ? reason : `expression:1:${offset + 1}: ${reason}`);
  }
}
