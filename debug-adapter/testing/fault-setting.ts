/** For tests: a process's table and the kernel's, with what a trap is explained by. */
import { PTE, satpRoot } from '../../emulator/isa/sv39';
import { TestMemory } from '../../emulator/testing/page-tables';
import { Mode } from '../../emulator/types';
import { AddressSpace } from '../memory/address-space';
import { memoryMap } from '../memory/memory-map';
import { explainTrap, type OtherTable, type TrapContext, type TrapExplanation } from '../page-tables/explain';
import { kernelLayout, kernelRegions, userRegions } from '../xv6/regions';
import { TestProgram } from './program';

const { R, W, X, U } = PTE;
const SV39 = 8n << 60n;
/** Register a0. */
const A0 = 10;

export class FaultSetting {
  readonly memory = new TestMemory();
  readonly user = this.memory.page();
  readonly kernel = this.memory.page();
  readonly physical = memoryMap(this.memory);
  readonly registers: bigint[] = Array.from({ length: 32 }, () => 0n);
  readonly process = { slot: 2, pid: 3, name: 'sh', size: 0x4000n };
  readonly tables: OtherTable[] = [];
  mstatus = 0n;
  stvec = 0n;
  root = this.user;
  satp: bigint | undefined;
  nameOf: TrapContext['nameOf'];

  constructor() {
    const { memory, user, kernel } = this;
    memory.map(user, 0n, 0x80100000n, R | X | U);
    memory.map(user, 0x1000n, 0x80101000n, R | W | U);
    memory.map(user, 0x2000n, 0x80102000n, R | W);
    memory.map(user, 0x3000n, 0x80103000n, R | W | U);
    for (let page = 0n; page < 16n; page++)
      memory.map(kernel, 0x80000000n + page * 4096n, 0x80000000n + page * 4096n, R | X);
  }

  /** Puts an instruction at a physical address. */
  code(address: bigint, word: number): this {
    const size = (word & 3) === 3 ? 4 : 2;
    this.memory.write(
      address,
      Uint8Array.from({ length: size }, (_, i) => (word >>> (8 * i)) & 255),
    );
    return this;
  }

  /** The kernel runs, by its own table. */
  inKernel(): this {
    this.root = this.kernel;
    this.tables.push(this.table('user', 'pid 3 sh', this.user, true));
    return this;
  }

  table(kind: OtherTable['kind'], label: string, root: bigint, isOwn = false): OtherTable {
    return {
      kind,
      label,
      isOwn,
      space: this.space(SV39 | (root >> 12n), kind === 'user' ? Mode.User : Mode.Supervisor),
    };
  }

  space(satp: bigint, mode = Mode.Supervisor): AddressSpace {
    const sum = (this.mstatus & 0x40000n) !== 0n;
    return new AddressSpace('a space', { memory: this.memory, apply: () => false }, () => ({
      ...{ root: satpRoot(satp), mode, sum, mxr: false },
    }));
  }

  explain(cause: number, tval: bigint, from: Mode = Mode.User, epc = 0x20n): TrapExplanation {
    const { physical, mstatus, stvec, process, tables, registers, root, user, nameOf } = this;
    const space = this.space(this.satp ?? SV39 | (root >> 12n));
    const layout = kernelLayout(new TestProgram(), physical);
    const regions = root === user ? userRegions(layout, process, space) : kernelRegions(layout, []);
    return explainTrap(
      { interrupt: false, cause, tval, epc, from },
      {
        ...{ space, physical, mstatus, stvec, process, regions, otherTables: tables },
        register: (number) => registers[number]!,
        ...(nameOf && { nameOf }),
      },
    );
  }
}

/** In the kernel, with an instruction at 0x80000100 that takes its address from a register. */
export const kernelAt = (word: number, register = A0, value = 0n): FaultSetting => {
  const setting = new FaultSetting().inKernel().code(0x80000100n, word);
  setting.registers[register] = value;
  return setting;
};

/** The page at 0x1000 cannot be executed; the one before it ends with an instruction. */
export function fellInto(last: number): FaultSetting {
  const setting = new FaultSetting();
  // Four bytes that are one compressed instruction and then the last.
  return setting.code(0x80100ffcn, 0x0001).code(0x80100ffen, last);
}
