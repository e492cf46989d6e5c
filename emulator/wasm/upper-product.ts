/** A multiplication that WebAssembly does not have. */
import { type Code, i64, local } from './assembler';

/** 64 x 64 -> upper 64 bits, by 32-bit parts (Hacker's Delight, section 8-2), with two scratch locals. */
export function upperProduct(a: Code, b: Code, t: number, k: number): Code {
  const low = (value: Code): Code => i64.and(value, i64.const(0xffffffff));
  const high = (value: Code): Code => i64.shr_u(value, i64.const(32));
  return [
    local.set(t, i64.add(i64.mul(high(a), low(b)), high(i64.mul(low(a), low(b))))),
    local.set(k, i64.add(i64.mul(low(a), high(b)), low(local.get(t)))),
    i64.add(i64.add(i64.mul(high(a), high(b)), high(local.get(t))), high(local.get(k))),
  ];
}
