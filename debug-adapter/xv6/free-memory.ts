/** Whether the kernel has free pages: by its list of them, `kmem.freelist`, or one list for each hart in some labs. */
import { findMember, plain } from '../expressions/types';
import { globalOf, readWord, type Xv6 } from './kernel';
import { arrayOf, recordOf } from './structure';

const [ALLOCATOR, LIST] = ['kmem', 'freelist'];

/** True where all lists are empty; undefined where the kernel has none by that name. */
export function isOutOfMemory(xv6: Pick<Xv6, 'binary' | 'read'>): boolean | undefined {
  const global = globalOf(xv6, ALLOCATOR);
  if (!global) return undefined;
  const { count, record, stride } = arrayOf(global.type) ?? { count: 1, record: recordOf(global.type), stride: 0 };
  const list = record && plain(global.type).kind !== 'pointer' ? findMember(record, LIST) : undefined;
  if (!list) return undefined;
  const heads = Array.from({ length: count }, (_, i) =>
    readWord(xv6, global.address + BigInt(i * stride + list.offset)),
  );
  return heads.every((head) => head === 0n);
}
