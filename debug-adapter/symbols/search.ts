/** Binary search, for the tables of addresses that everything here is looked up in. */

/** How many items at the head of a list satisfy a condition that no item behind them does. */
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
