/** What a page table maps, as QEMU's `info mem` shows it (target/riscv/monitor.c), and page by page. */
import { Csr } from '../emulator/isa/csrs';
import {
  ENTRIES,
  PTE,
  ROOT_LEVEL,
  isPointer,
  pteFlags,
  ptePhysical,
  satpRoot,
  spanOf,
  toCanonical,
} from '../emulator/isa/sv39';
import type { Hart, PhysicalMemory } from '../emulator/types';

interface Mapping {
  readonly va: bigint;
  readonly pa: bigint;
  readonly size: bigint;
  readonly attributes: string;
}

/** A guest's tables may lead in circles: so many pages of them are read, and so many lines are written. */
const MOST_TABLES = 4096;
const MOST_LINES = 4096;

const LETTERS = ['R', 'W', 'X', 'U', 'G', 'A', 'D'] as const;
const HEAD =
  'vaddr            paddr            size             attr\n' +
  '---------------- ---------------- ---------------- -------\n';
const NONE = 'No translation or protection\n';

const word = (value: bigint): string => value.toString(16).padStart(16, '0');
const line = ({ va, pa, size, attributes }: Mapping): string => `${word(va)} ${word(pa)} ${word(size)} ${attributes}\n`;

/** Runs of pages that lie one after the other in both spaces, with the same attributes. */
export const mappings = (memory: PhysicalMemory, hart: Hart): string => table(memory, hart, merged);

export const pages = (memory: PhysicalMemory, hart: Hart): string => table(memory, hart, (leaves) => leaves);

function table(memory: PhysicalMemory, hart: Hart, shown: (leaves: Iterable<Mapping>) => Iterable<Mapping>): string {
  const root = satpRoot(hart.csr(Csr.satp) ?? 0n);
  if (root === undefined) return NONE;
  let text = HEAD;
  let lines = 0;
  for (const mapping of shown(leavesOf(memory, root))) {
    if (++lines > MOST_LINES) return `${text}and more\n`;
    text += line(mapping);
  }
  return text;
}

function* merged(leaves: Iterable<Mapping>): Generator<Mapping> {
  let run: Mapping | undefined;
  for (const leaf of leaves) {
    const goesOn =
      run !== undefined &&
      leaf.va === run.va + run.size &&
      leaf.pa === run.pa + run.size &&
      leaf.attributes === run.attributes;
    if (goesOn) {
      run = { ...run!, size: run!.size + leaf.size };
      continue;
    }
    if (run !== undefined) yield run;
    run = leaf;
  }
  if (run !== undefined) yield run;
}

function* leavesOf(memory: PhysicalMemory, root: bigint): Generator<Mapping> {
  let left = MOST_TABLES;
  function* within(page: bigint, level: number, first: bigint): Generator<Mapping> {
    if (left-- <= 0) return;
    for (let index = 0; index < ENTRIES; index++) {
      const pte = memory.readU64(page + BigInt(index * 8));
      if (pte === undefined) return;
      const flags = pteFlags(pte);
      if ((flags & PTE.V) === 0) continue;
      const va = first + BigInt(index) * spanOf(level);
      if (isPointer(flags)) {
        if (level > 0) yield* within(ptePhysical(pte), level - 1, va);
      } else {
        const attributes = LETTERS.map((letter) => (flags & PTE[letter] ? letter.toLowerCase() : '-')).join('');
        yield { va: toCanonical(va), pa: ptePhysical(pte), size: spanOf(level), attributes };
      }
    }
  }
  yield* within(root, ROOT_LEVEL, 0n);
}
