/** What is not known between stretches that are. */

/** What is left of the width beside some stretches, in order. */
export function gaps(known: readonly (readonly [number, number])[], width: number): [number, number][] {
  const found: [number, number][] = [];
  let at = 0;
  for (const [from, to] of known) {
    if (from > at) found.push([at, Math.min(from, width)]);
    at = Math.max(at, to);
    if (at >= width) return found;
  }
  if (at < width - 0.5) found.push([at, width]);
  return found;
}
