/**
 * The functions of a kernel that are given a page table and an address in it, told by the types of their parameters. Of these,
 * the ones that call no other one read the entries themselves: xv6's `walk`, whatever its name, or whatever it was inlined into.
 */
import { isCall, isReturn, jumpDistance } from '../../emulator/isa/instructions/calls';
import type { Decoded } from '../../emulator/isa/instructions/decode';
import { instructionsFrom } from '../../emulator/isa/instructions/instruction-at';
import { isInteger, isSigned, plain, sizeOf } from '../expressions/types';
import type { Binary, FunctionInfo, Type, Variable } from '../symbols/api';
import { fileMemory } from '../symbols/container/file-memory';
import { isPageTable } from '../xv6/structure';

export interface TableFunction {
  readonly info: FunctionInfo;
  /** Its parameters. */
  readonly table: Variable;
  readonly va: Variable;
  /** It reads entries itself. */
  readonly isWalker: boolean;
  /** Linked addresses of its `ret` instructions. */
  readonly returns: readonly bigint[];
}

export function tableFunctions(binary: Binary): TableFunction[] {
  const given = binary.functions.flatMap((info) => {
    const table = info.parameters.find(({ type }) => isPageTable(type));
    const va = info.parameters.find(({ type }) => isAddress(type));
    return table === undefined || va === undefined ? [] : [{ info, table, va }];
  });
  const entries = new Set(given.map(({ info }) => info.low));
  const read = fileMemory(binary.segments);
  return given.map((one) => {
    const returns: bigint[] = [];
    let isWalker = true;
    let before: Decoded | undefined;
    for (const { address, decoded } of instructionsFrom(read, one.info.low, one.info.high)) {
      if (decoded && isReturn(decoded)) returns.push(address);
      const distance = decoded && isCall(decoded) ? jumpDistance(decoded, before) : undefined;
      // One that calls itself is still the one that reads.
      const target = distance === undefined ? one.info.low : address + BigInt(distance);
      if (target !== one.info.low && entries.has(target)) isWalker = false;
      before = decoded;
    }
    return { ...one, isWalker, returns };
  });
}

/** `uint64 va`: an unsigned integer as wide as an address. */
function isAddress(type: Type): boolean {
  const bare = plain(type);
  return bare.kind === 'base' && isInteger(bare) && !isSigned(bare) && sizeOf(bare) === 8;
}
