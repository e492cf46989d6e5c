/** What the ledger's sentences are made of: who called the allocator, whose table it is, what lies at an address. */
import { hex } from '../../emulator/isa/hex';
import { Mode, type Hart, type MachineApi } from '../../emulator/types';
import type { Guest } from '../code/guest';
import { callPlace, kernelPlace } from '../code/place-names';
import { memoryMap } from '../memory/memory-map';
import { processIdOn } from '../xv6/cpus';
import { kernelLayout, kernelRegions } from '../xv6/regions';
import { tableName } from '../xv6/tables';
import type { AllocatorCall } from './frames';

export class LedgerWords {
  constructor(
    private readonly guest: Pick<Guest, 'xv6' | 'image'> & { readonly machine: Pick<MachineApi, 'memory'> },
  ) {}

  /** "uvmunmap at vm.c:190 (pid 3)". */
  caller({ site, pid }: AllocatorCall): string {
    const place = callPlace(this.guest.image, site)?.text ?? `the code before ${hex(site)}`;
    return pid === 0 ? place : `${place} (pid ${pid})`;
  }

  callerOf(call: AllocatorCall | undefined): string | undefined {
    return call && this.caller(call);
  }

  /** "memmove+40 at string.c:40 (pid 3)": an instruction that a hart has executed. */
  executed(hart: Hart, pc: bigint): string {
    const isUser = hart.mode === Mode.User;
    const place = isUser
      ? `the program at ${hex(pc)}`
      : (kernelPlace(this.guest, pc) ?? `the kernel's code at ${hex(pc)}`);
    const pid = processIdOn(this.guest.xv6, hart)?.pid ?? 0;
    return pid === 0 ? place : `${place} (pid ${pid})`;
  }

  table(root: bigint): string {
    const owner = tableName(this.guest.xv6, root);
    return owner === undefined ? `the table with its root at ${hex(root)}` : `the table of ${owner}`;
  }

  /** What lies at a physical address; undefined where nothing does. */
  content(address: bigint): string | undefined {
    const { machine, xv6 } = this.guest;
    const page = Number(address >> 12n);
    return kernelRegions(kernelLayout(xv6.binary, memoryMap(machine.memory)), []).nameAt(page, page, 1).name;
  }
}
