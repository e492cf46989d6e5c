/** For tests: chance that is the same in every run. Marsaglia's xorshift32, and a few ways to draw from it. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0 || 0x2545f491;
  }

  /** 32 random bits, as a signed integer. */
  bits(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return Math.imul(this.state, 0x9e3779b1) ^ (this.state >>> 15);
  }
  /** An integer from 0 to limit - 1. */
  below(limit: number): number {
    return (this.bits() >>> 0) % limit;
  }
  /** An integer from low to high. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
  /** 64 bits of the kind that finds mistakes: small, near a power of two, sign-extended, or just random. */
  word(): bigint {
    const random = (BigInt(this.bits() >>> 0) << 32n) | BigInt(this.bits() >>> 0);
    const near = (): bigint => (1n << BigInt(this.below(64))) + BigInt(this.between(-2, 2));
    const value = this.pick([
      () => random,
      () => random,
      near,
      () => -near(),
      () => BigInt(this.between(-3, 3)),
      () => BigInt(this.bits()),
      () => random & 0xffff_ffffn,
    ])();
    return BigInt.asUintN(64, value);
  }
}
