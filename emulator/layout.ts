/**
 * Where everything lies in the machine's linear memory: the harts with their registers, CSRs and TLBs, the predecoded
 * records of code pages, and the memory of the guest itself. Addresses in it are called host addresses.
 *
 *   0          nothing, so that no valid host address is 0
 *   WINDOW     the state of the hart that is running: the first part of its block, moved here while it runs; then CLOCK
 *   HOTNESS       how often jumps went where
 *   HARTS      one block of HART_SIZE a hart: state, then TLB_CONTEXTS contexts of its TLB
 *   RECORDS    RECORD_PAGES slots of predecoded records, one a page of code
 *   REGIONS    for every record, which region begins there (i32 each)
 *   ROM        the boot ROM, then at once DRAM
 */

export const PAGE = 4096;
export const MAX_HARTS = 8;

/** The CSRs that are storage, by their cell in the hart's block (u64 each). */
export const enum Cell {
  mstatus,
  medeleg,
  mideleg,
  mie,
  /** Only the bits that software may write; the rest are the lines. */
  mip,
  mtvec,
  mscratch,
  mepc,
  mcause,
  mtval,
  mcounteren,
  menvcfg,
  stvec,
  sscratch,
  sepc,
  scause,
  stval,
  scounteren,
  senvcfg,
  satp,
  stimecmp,
  pmpcfg0,
  pmpcfg2,
  pmpaddr0,
  /** What writes to mcycle and minstret have added to what they count. */
  cycleOffset = pmpaddr0 + 16,
  instretOffset,
  /** frm and fflags as fcsr has them. */
  fcsr,
  count,
}

/** Offsets in a hart's block. Registers are 8 bytes each; writes to x0 go to a 33rd that is never read. */
export const HartOffset = {
  x: 0,
  discard: 32 * 8,
  pc: 264,
  /** i32: instructions left in this slice. */
  remaining: 272,
  /** i32: host address of the selected TLB context. */
  tlb: 276,
  /** What the generated code could not do: i32 host address of the record, i32 width or operation, u64s. */
  record: 280,
  detail: 284,
  address: 288,
  value: 296,
  /** i32: host address of a word that the next atomic instruction may use, 0 if none. */
  prepared: 304,
  /** i32: host address of the first record of the page that runs, and u64 the virtual address that belongs to it. */
  records: 308,
  base: 312,
  /** Records for one instruction that cannot be run in its place: a breakpoint covers it, or its record is not there yet. */
  scratch: 320,
  /** i32: the hart's mode, and the interrupt bits that devices and the supervisor timer hold up. */
  mode: 384,
  lines: 388,
  /** i32: the hart's quantum ends when it enables interrupts. */
  untilEnabled: 392,
  /** i32: with fewer instructions left of the slice, the hart is ahead at an instruction by which it may meet others. */
  meets: 396,
  /** i32: with fewer instructions left of the slice, a lock that is taken is told of. */
  contends: 400,
  /** i32: host address of the word of DRAM that lr has reserved, 0 if none. */
  reservation: 404,
  /** The u64 cells of the CSRs, see Cell. */
  csrs: 408,
  /** What lies before is moved to the current-hart block and back. */
  end: 408 + Cell.count * 8,
  /** f0 to f31, 8 bytes each: in the current-hart block only while mstatus.FS is not off. */
  f: 1024,
  tlbs: 4096,
} as const;

/**
 * A TLB context holds the translations of one address space in one mode: DATA_ENTRIES of 32 bytes for loads and stores, then
 * FETCH_ENTRIES of 16 bytes for instructions. A tag is the virtual address of the page, or EMPTY. `permitted`: as `write`, also for pages
 * to which stores take the slow path.
 */
export const DATA_ENTRIES = 1024;
export const FETCH_ENTRIES = 64;
export const DataEntry = { size: 32, read: 0, write: 8, addend: 16, permitted: 24 } as const;
export const FetchEntry = { base: DATA_ENTRIES * DataEntry.size, size: 16, tag: 0, records: 8, host: 12 } as const;
export const TLB_CONTEXT_SIZE = FetchEntry.base + FETCH_ENTRIES * FetchEntry.size;
export const TLB_CONTEXTS = 16;
/** Matches no address: its low bits are set, and those of a masked address are not. */
export const EMPTY = -1n;

export const CURRENT_HART = 4096;
/**
 * The clock while a hart runs, u64 each: at its last instruction of the slice, the time in instructions; and what the guest
 * has added to `mtime`.
 */
export const CLOCK = CURRENT_HART + 2048;
export const ClockOffset = { end: 0, timeOffset: 8 } as const;
/** i32: 1 if somebody listens to sfence.vma, which then leaves the generated code. */
export const FENCES_OBSERVED = CLOCK + 16;
/** The guest sees harts of 100 MHz that retire one instruction a cycle, and a clock of 10 MHz. */
export const INSTRUCTIONS_PER_TICK = 10;
/** Hotness counters (u32) of jumps, by a hash of their target; and (u32) the threshold at which a target is translated. */
export const HOTNESS = 8192;
export const HOTNESS_CELLS = 4096;
export const HOTNESS_LIMIT = HOTNESS + HOTNESS_CELLS * 4;
export const HARTS = 65536;
const HART_SIZE = Math.ceil((HartOffset.tlbs + TLB_CONTEXTS * TLB_CONTEXT_SIZE) / PAGE) * PAGE;

/**
 * A predecoded instruction: opcode u16, then the offsets of rd, rs1 and rs2 in the hart's block (u16 each), the immediate
 * (i32), and the instruction word as it stood in memory (u32). A page has one record for every two bytes, and one more
 * that leads to the next page; then those of an instruction that ends in the next page, see Opcode.straddling.
 */
export const RecordLayout = { size: 16, op: 0, rd: 2, rs1: 4, rs2: 6, imm: 8, word: 12 } as const;
/** From the last record of a page to that of the instruction which begins there and ends in the next page. */
export const STRADDLER = 2 * RecordLayout.size;
export const RECORD_PAGE_SIZE = (PAGE / 2 + 4) * RecordLayout.size;
export const RECORD_PAGES = 512;
export const RECORDS = HARTS + MAX_HARTS * HART_SIZE;

/**
 * Instructions for which an atomic instruction takes longer than others if the word has to come from another hart's cache: a
 * hart that is ahead for no longer than that does it before its turn ends, and passes the fence that precedes it.
 */
export const TRANSFER = 1000;

export const ROM_BASE = 0x1000;
export const ROM_SIZE = 0xf000;
export const DRAM_BASE = 0x8000_0000;
/** Host addresses. */
export const REGIONS = RECORDS + RECORD_PAGES * RECORD_PAGE_SIZE;
export const ROM = Math.ceil((REGIONS + (RECORD_PAGES * RECORD_PAGE_SIZE) / 4) / 65536) * 65536;
export const DRAM = ROM + 65536;

/** The slot that a record is in, by its host address. */
export const slotOf = (record: number): number => Math.floor((record - RECORDS) / RECORD_PAGE_SIZE);
/** Where in its page the instruction of a record is. */
export const offsetOf = (record: number): number => ((record - RECORDS) % RECORD_PAGE_SIZE) / (RecordLayout.size / 2);

export const hartBlock = (id: number): number => HARTS + id * HART_SIZE;

/** Bits of Offset.detail: a load sign-extends, or NaN-boxes. */
export const SIGNED = 16;
export const BOXED = 32;

/** How the machine goes on after it has done something for the generated code. */
export const enum Status {
  /** The instruction is done: go on after it. */
  done,
  /** Go on at the hart's pc, wherever that is now. */
  reload,
  /** Run the record in the hart's scratch area; it is the instruction at pc. */
  scratch,
  /** End the slice. */
  exit,
}
