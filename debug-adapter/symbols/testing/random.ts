/** Marsaglia's xorshift32: what is made by chance in tests is the same in every run. */
export type Random = (limit: number) => number;

export function generator(seed: number): Random {
  // A state of 0 would stay 0; the multiplication sets neighbouring seeds apart.
  let state = Math.imul(seed, 0x9e3779b1) || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

export function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[random(values.length)]!;
}
