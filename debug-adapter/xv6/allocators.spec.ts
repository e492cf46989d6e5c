import { strict as assert } from 'node:assert';
import { TestProgram } from '../testing/program';
import { findAllocators, PAGE_ALLOCATOR } from './allocators';

const [KALLOC, KFREE, SUPERFREE] = [0x8000_0100n, 0x8000_0140n, 0x8000_0180n];
const RET = 0x8082n;

const xv6 = (program: TestProgram) => ({ binary: program, read: program.read });

function setUp() {
  const program = new TestProgram();
  program.addFunction('kalloc', KALLOC, KALLOC + 0x40n, undefined);
  program.addFunction('kfree', KFREE, KFREE + 0x40n, undefined);
  program.addFunction('superfree', SUPERFREE, SUPERFREE + 0x40n, undefined);
  return program;
}

describe('allocators', () => {
  it('are seen where one that frees begins, and at each return of one that allocates', () => {
    const program = setUp();
    program.poke(KALLOC + 0x10n, RET, 2);
    program.poke(KALLOC + 0x20n, RET, 2);
    const { at, missing } = findAllocators(xv6(program), [PAGE_ALLOCATOR]);
    assert.deepEqual(missing, []);
    assert.deepEqual(
      [...at].map(([address, { name, kind }]) => [address, name, kind]),
      [
        [KALLOC + 0x10n, 'kalloc', 'allocate'],
        [KALLOC + 0x20n, 'kalloc', 'allocate'],
        [KFREE, 'kfree', 'free'],
      ],
    );
  });

  it('may be others that are named, with their size, and one of a pair alone', () => {
    const { at, missing } = findAllocators(xv6(setUp()), [{ free: 'superfree', size: 0x20_0000n }]);
    assert.deepEqual([...at], [[SUPERFREE, { name: 'superfree', kind: 'free', size: 0x20_0000n }]]);
    assert.deepEqual(missing, []);
  });

  it('say what is missing', () => {
    const { missing } = findAllocators(xv6(setUp()), [PAGE_ALLOCATOR, { allocate: 'superalloc', size: 4096n }]);
    assert.deepEqual(missing, ['where kalloc returns is not known', 'the kernel has no function superalloc']);
  });
});
