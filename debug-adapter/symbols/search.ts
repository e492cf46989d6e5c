/** Binary search, for tables of addresses. */

/** The number of items at the start of a list that satisfy a condition, which no later item may satisfy. */
export function countWhile<T>(items: readonly T[], condition: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (condition(items[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Orders bigints, for sort. */
export function compareAddresses(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
