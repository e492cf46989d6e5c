/** Where an entry stands among the tables: each sentence in a state in which it is true, and in the nearest in which it is not. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Csr } from '../../../emulator/isa/csrs';
import { X } from '../../../emulator/isa/registers';
import { PTE, satpOf } from '../../../emulator/isa/sv39';
import { TestMemory } from '../../../emulator/testing/page-tables';
import { Mode, type Hart } from '../../../emulator/types';
import * as C from '../../expressions/types';
import { typedef } from '../../testing/program';
import { unsaid } from '../../testing/words-in';
import { BOOT_STACKS, guestKernel, KERNEL_PAGETABLE } from '../../testing/xv6-kernel';
import type { GuestKernel } from '../../xv6/address-spaces';
import { openXv6 } from '../../xv6/kernel';
import { EntryPlaces, type KnownTable } from '../entries';
import { entryAt } from '../found-entries';
import { bearingsOf, strangeTableInForce } from './bearings';

const { R, W, U } = PTE;
/** Of pid 1 and of pid 3, as the test kernel has them. */
const [STACK_OF_INIT, STACK_OF_SH] = [0x3fffffd000n, 0x3fffff9000n];

/** Hart 1 runs pid 3 sh, which has a user table and one for the kernel; p->sz is 0x4000. */
class Setting {
  readonly memory = new TestMemory();
  readonly kernel = this.memory.page();
  readonly user = this.memory.page();
  readonly own = this.memory.page();
  readonly inits = this.memory.page();
  satp = this.own;
  mode = Mode.Supervisor;
  sp = STACK_OF_SH + 0x800n;

  private readonly guest: GuestKernel;

  /** `isMade`: whether the kernel has made its table yet. */
  constructor(hasOwn = true, isMade = true) {
    const pagetable = typedef('pagetable_t', C.pointerTo(typedef('uint64', C.UNSIGNED_LONG)));
    const { program, set } = guestKernel({ more: { kpagetable: pagetable } });
    program.poke(KERNEL_PAGETABLE, isMade ? this.kernel : 0n);
    set(0, { pagetable: this.inits });
    set(2, { pagetable: this.user, ...(hasOwn && { kpagetable: this.own }) });
    const machine = { memory: this.memory, harts: [], current: 0, apply: () => false };
    this.guest = { machine, xv6: openXv6(program, program.read) } as unknown as GuestKernel;
  }

  private get hart(): Hart {
    const { satp, mode, sp } = this;
    const csr = (address: number): bigint | undefined => (address === Csr.satp ? satpOf(satp) : 0n);
    return { id: 1, mode, csr, x: (number: number) => (number === X.sp ? sp : 0n) } as unknown as Hart;
  }

  /** Of the entry for an address in a table. */
  of(root: bigint, va: bigint, pa = 0n, flags = 0, isValid = true): string[] {
    const address = this.memory.map(root, va, pa, flags);
    if (flags === 0) this.memory.writeU64(address, 0n);
    if (!isValid) this.memory.writeU64(address, this.memory.readU64(address)! & ~1n);
    const known = (label: string, at: bigint): KnownTable => ({ root: at, id: label, label });
    const { kernel, user, own, inits } = this;
    const tables = [known('kernel_pagetable', kernel), known('user', user), known('own', own), known('inits', inits)];
    const places = new EntryPlaces(this.memory, tables);
    return bearingsOf(this.guest, places, this.hart, entryAt(this.guest, places, address, '')!);
  }

  get inForce(): string[] {
    return strangeTableInForce(this.guest, this.hart);
  }
}

const set = (values: Partial<Pick<Setting, 'satp' | 'mode' | 'sp'>>, setting = new Setting()): Setting =>
  Object.assign(setting, values);
const mapped = (root: (setting: Setting) => bigint, va: bigint, pa: bigint, flags: number): Setting => {
  const setting = new Setting();
  setting.memory.map(root(setting), va, pa, flags);
  return setting;
};

const strange = (): Setting => {
  const setting = new Setting();
  return set({ satp: setting.memory.page() }, setting);
};
const onKernels = (more: Parameters<typeof set>[0] = {}, hasOwn = true): Setting => {
  const setting = new Setting(hasOwn);
  return set({ satp: setting.kernel, ...more }, setting);
};

describe('where an entry stands among the tables', () => {
  const PA = 0x80100000n;
  const LEAF = R | W;
  const ROWS: [string, () => string[], string[]][] = [
    [
      'another process’s kernel stack',
      () => of(({ own }) => own, STACK_OF_INIT, PA, LEAF),
      ['0x3fffffd000 is the kernel stack of pid 1 init.'],
    ],
    ['the process’s own kernel stack', () => of(({ own }) => own, STACK_OF_SH, PA, LEAF), []],
    ['the same address in the table of a program', () => of(({ user }) => user, STACK_OF_INIT, PA, LEAF), []],
    ['the page above another’s kernel stack', () => of(({ own }) => own, STACK_OF_INIT + 0x1000n, PA, LEAF), []],
    [
      'another’s kernel stack in the kernel’s table, which is for all',
      () => of(({ kernel }) => kernel, STACK_OF_INIT, PA, LEAF),
      [],
    ],
    [
      'what satp’s table maps, and this one does not',
      () => inSatp().of2(0n),
      ['satp holds own, which maps 0x3fffff0000 to PA 0x80100000.'],
    ],
    ['what both map', () => inSatp().of2(LEAF), []],
    ['what neither maps', () => of(({ kernel }) => kernel, 0x3fffff0000n), []],
    ['what satp’s own table does not map', () => of(({ own }) => own, 0x3fffff0000n), []],
    [
      'user memory that the kernel’s table has elsewhere',
      () => userAt(PA, 0x80200000n),
      ['Its user table maps 0x1000 to PA 0x80100000.'],
    ],
    ['user memory that the kernel’s table has in the same place', () => userAt(PA, PA), []],
    [
      'user memory that only the kernel’s table has',
      () => userAt(undefined, PA),
      ['Its user table does not map 0x1000.'],
    ],
    ['user memory that neither has', () => of(({ own }) => own, 0x1000n), []],
    ['a page beyond p->sz that only the kernel’s table has', () => userAt(undefined, PA, 0x4000n), []],
    [
      'a user page beyond p->sz',
      () => of(({ user }) => user, 0x4000n, PA, R | U),
      ['0x4000 lies beyond the end of pid 3 sh’s memory, p->sz = 0x4000.'],
    ],
    ['an entry beyond p->sz that is not valid', () => of(({ user }) => user, 0x4000n, PA, R | U, false), []],
    ['the last user page below p->sz', () => of(({ user }) => user, 0x3000n, PA, R | U), []],
    ['a page of the kernel’s in the user table', () => of(({ user }) => user, 0x3ffffff000n, PA, R), []],
  ];
  const of = (
    root: (setting: Setting) => bigint,
    ...more: [va: bigint, pa?: bigint, flags?: number, isValid?: boolean]
  ) => {
    const setting = new Setting();
    return setting.of(root(setting), ...more);
  };
  const inSatp = () => {
    const setting = mapped(({ own }) => own, 0x3fffff0000n, PA, LEAF);
    return { of2: (flags: bigint | number) => setting.of(setting.kernel, 0x3fffff0000n, PA, Number(flags)) };
  };
  const userAt = (inUser: bigint | undefined, inKernels: bigint, va = 0x1000n): string[] => {
    const setting = inUser === undefined ? new Setting() : mapped(({ user }) => user, va, inUser, R | U);
    return setting.of(setting.own, va, inKernels, R);
  };
  for (const [what, told, sentences] of ROWS)
    it(`${what}: ${sentences.join(' ') || 'nothing'}`, () => assert.deepEqual(told(), sentences));

  it('is all told', () => {
    const said = [...ROWS.flatMap(([, told]) => told()), ...strange().inForce, ...onKernels().inForce];
    assert.deepEqual(unsaid(join(__dirname, 'bearings.ts'), said), []);
  });
});

describe('a strange table in force', () => {
  it('is one that is neither the kernel’s nor a process’s', () => {
    assert.match(
      strange().inForce.join(),
      /^satp holds the table at 0x808\w+, which is neither kernel_pagetable nor a process’s\.$/,
    );
    assert.deepEqual(set({ mode: Mode.User }, strange()).inForce, []);
    assert.deepEqual(new Setting().inForce, []);
    assert.deepEqual(set({ satp: 0x7f000000n }).inForce, [], 'no memory');
    const early = new Setting(true, false);
    assert.deepEqual(set({ satp: early.kernel }, early).inForce, [], 'it may become the kernel’s');
    for (const root of ['user', 'inits'] as const) {
      const setting = new Setting();
      assert.deepEqual(set({ satp: setting[root] }, setting).inForce, [], root);
    }
  });

  it('is the kernel’s for a process that has one of its own, on its own stack', () => {
    assert.deepEqual(onKernels().inForce, [
      'pid 3 sh runs with kernel_pagetable in satp, not with its own kernel table, kpagetable.',
    ]);
    assert.deepEqual(onKernels({}, false).inForce, []);
    assert.deepEqual(onKernels({ sp: BOOT_STACKS.start + 0x800n }).inForce, [], 'the scheduler');
    assert.deepEqual(onKernels({ sp: STACK_OF_INIT + 0x800n }).inForce, [], 'a stack that was not switched to yet');
    assert.deepEqual(onKernels({ sp: STACK_OF_SH - 0x10n }).inForce, [], 'below its own');
    assert.deepEqual(onKernels({ mode: Mode.User }).inForce, []);
  });
});
