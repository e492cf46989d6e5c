/**
 * The user programs of a lab: their ELF files, which the build puts into user/ (user/_sh is the program sh), and which of them
 * is in an address space. All are linked at address 0, so an address alone does not identify one: the name of the process that
 * owns the page table, which exec sets, suggests a program, and the bytes in memory decide. This also works for children of
 * fork, names that the kernel cut off, and kernels whose processes are not known.
 *
 * A file's bytes are read at launch, and parsed when something first needs them; at once if there may be more to read.
 */
import { wordsOf } from '../dap/errors';
import { PAGE_SIZE, walk } from '../../emulator/isa/sv39';
import { SavedState } from '../../emulator/history/saved-state';
import type { PhysicalMemory, State } from '../../emulator/types';
import type { Files } from '../launch/files';
import { MappedProgram } from './mapped-program';
import { baseName } from './sources';
import { pageFilling } from '../xv6/names';
import { maybeSplit, readSplitFiles } from './split-dwarf';
import { type OpenedBinary, openBinary } from '../symbols/binary';
import type { Binary } from '../symbols/api';

/** Code in memory that must equal its file. */
interface Text {
  address: bigint;
  bytes: Uint8Array;
}

type WhenOpened = (program: Program, image: MappedProgram) => void;

type Opened = { image: MappedProgram; text: Text } | { why: string };

/** Bytes at its entry that identify a program without symbols. */
const STRIPPED_TEXT = 1024n;

export class Program {
  /** As passed to exec: "sh". */
  readonly name: string;
  readonly path: string;
  readonly bytes: Uint8Array;
  private binary: OpenedBinary | undefined;
  private opened: Opened | undefined;
  private readonly whenOpened: WhenOpened;
  private readonly damaged: (what: string) => void;

  /** `whenOpened` is called when the file is opened, at its first use; `damaged` with messages about unreadable parts. */
  constructor(
    path: string,
    bytes: Uint8Array,
    whenOpened: WhenOpened,
    damaged: (what: string) => void = () => undefined,
  ) {
    this.path = path;
    this.name = programName(path) ?? baseName(path);
    this.bytes = bytes;
    this.whenOpened = whenOpened;
    this.damaged = damaged;
  }

  /** Opens the file at first use. Undefined if it is not a readable program; then `why` says why. */
  get image(): MappedProgram | undefined {
    const opened = this.open();
    return 'image' in opened ? opened.image : undefined;
  }

  get why(): string | undefined {
    const opened = this.open();
    return 'why' in opened ? opened.why : undefined;
  }

  get text(): Text | undefined {
    const opened = this.open();
    return 'text' in opened ? opened.text : undefined;
  }

  get isOpen(): boolean {
    return this.opened !== undefined;
  }

  /** Reads the debug information that is beside the program, if there is any. To be called before anything else. */
  async readSplitFiles(files: Files, beside: readonly string[]): Promise<void> {
    if (!maybeSplit(this.bytes, beside)) return;
    try {
      this.binary = openBinary(this.path, this.bytes, this.damaged);
    } catch {
      // Who first needs the program is told why it cannot be read.
      return;
    }
    await readSplitFiles(files, this.binary);
  }

  private open(): Opened {
    if (this.opened) return this.opened;
    try {
      const binary = this.binary ?? openBinary(this.path, this.bytes, this.damaged);
      const image = new MappedProgram(binary);
      this.opened = { image, text: textOf(binary) };
      this.whenOpened(this, image);
    } catch (error) {
      // A defect is reported once, and no more is read of this program.
      this.opened = { why: 'a defect of xv6 Debug keeps it from being read' };
      this.opened = { why: wordsOf(error) };
    }
    return this.opened;
  }
}

/** The name of the program in a file, by the file's path in a build; undefined for other files. */
function programName(path: string): string | undefined {
  // The first process runs initcode, which older kernels contain.
  if (baseName(path) === 'initcode.out') return 'initcode';
  return /^_([^.]+)$/.exec(baseName(path))?.[1];
}

/**
 * Reads the programs of the first folder that has any. Ignores files that cannot be read. `whenOpened` is called for each
 * program that is used.
 */
export async function findPrograms(
  files: Files,
  folders: readonly string[],
  whenOpened: WhenOpened,
  damaged?: (what: string) => void,
): Promise<Program[]> {
  for (const folder of new Set(folders)) {
    const beside = await files.list(folder);
    const names = beside.filter((name) => programName(name) !== undefined).sort();
    const found = await Promise.all(
      names.map(async (name) => {
        const path = `${folder}/${name}`;
        const bytes = await files.read(path).catch(() => undefined);
        if (bytes === undefined) return [];
        const program = new Program(path, bytes, whenOpened, damaged);
        await program.readSplitFiles(files, beside);
        return [program];
      }),
    );
    if (found.some((programs) => programs.length > 0)) return found.flat();
  }
  return [];
}

/** The code of a program, which cannot change while it runs. Older programs have code and data in one writable segment. */
function textOf(binary: Binary): Text {
  const segment = binary.segments.find(({ executable, bytes }) => executable && bytes.length > 0);
  if (!segment) throw new Error(`${binary.path} has no code.`);
  const { virtualAddress, bytes } = segment;
  if (!segment.writable) return { address: virtualAddress, bytes };
  let low = binary.entry;
  let high = binary.entry;
  for (const { section, address, size } of binary.symbols) {
    if (section !== '.text') continue;
    if (address < low) low = address;
    if (address + size > high) high = address + size;
  }
  if (high === low) high = low + STRIPPED_TEXT;
  const from = Number(low - virtualAddress);
  const to = Number(high - virtualAddress);
  return { address: low, bytes: from < 0 ? new Uint8Array() : bytes.subarray(from, to) };
}

export interface ProgramContext {
  memory: PhysicalMemory;
  /** Instructions that the machine has executed: while they do not change, neither does the result of a lookup. */
  executed(): number;
  /** The name of the process with this root of its user page table. */
  processName(root: bigint): string | undefined;
  /** Called once if a process has the name of a program but different code: they were not built together. */
  differs(program: Program): void;
}

interface Found {
  program: Program | undefined;
  at: number;
}

/** No count of instructions: what was found must be compared with memory again. */
const UNCHECKED = -1;

export class Programs {
  /** The program found in each address space, and the count of instructions at that moment. */
  private found = new Map<bigint, Found>();
  /** A fact about files, and not about a moment of the run: it is told once, whatever is restored. */
  private readonly told = new Set<Program>();
  /** Those that were seen in memory as they are in their files: what differs later has been changed by the run. */
  private readonly seen = new Set<Program>();

  constructor(
    readonly all: readonly Program[],
    private readonly context: ProgramContext,
  ) {}

  /** The program in the address space with this root (a physical address); undefined if it is none of the lab's. */
  in(root: bigint): Program | undefined {
    const at = this.context.executed();
    const found = this.found.get(root);
    if (found?.at === at) return found.program;
    const known = found?.program;
    const program = known && this.compare(root, known.text) === 'same' ? known : this.identify(root);
    this.found.set(root, { program, at });
    return program;
  }

  /** Whether memory has the program's bytes around an address. If not, this program cannot be running there. */
  hasBytes(program: Program, root: bigint, address: bigint): boolean {
    const { text } = program;
    if (!text || address < text.address) return false;
    const at = Number(address - text.address);
    const from = Math.max(0, at - NEIGHBOURHOOD);
    const around = { address: text.address + BigInt(from), bytes: text.bytes.subarray(from, at + NEIGHBOURHOOD) };
    return this.compare(root, around) === 'same';
  }

  save(): State {
    return { found: [...this.found].map(([root, { program }]) => ({ root, program: program?.name ?? null })) };
  }

  /** Throws an Error, and changes nothing, if it is not what `save` made; a program that is no longer there is forgotten. */
  restore(state: State): void {
    const found = new SavedState('programs', state).records('found').map((saved): [bigint, Found] => {
      const name = saved.text('program');
      return [saved.bigint('root'), { program: this.all.find((one) => one.name === name), at: UNCHECKED }];
    });
    this.found = new Map(found);
  }

  private identify(root: bigint): Program | undefined {
    const name = this.context.processName(root);
    const called = (program: Program): boolean => name !== undefined && isCalled(program, name);
    const likely = this.all.filter(called);
    const others = this.all.filter((program) => !called(program));
    const found = [...likely, ...others].find(({ text }) => this.compare(root, text) === 'same');
    if (found) this.seen.add(found);
    const other = found ? undefined : likely.find((one) => !this.seen.has(one) && this.isOther(root, one.text));
    if (other && !this.told.has(other)) {
      this.told.add(other);
      this.context.differs(other);
    }
    return found;
  }

  /** Whether another text is there: one whose pages the kernel has freed is none. */
  private isOther(root: bigint, text: Text | undefined): boolean {
    if (!text || this.compare(root, text) !== 'other') return false;
    const { memory } = this.context;
    for (let at = text.address; at < text.address + BigInt(text.bytes.length); at += PAGE_SIZE) {
      const { leaf } = walk(root, at - (at % PAGE_SIZE), (pa) => memory.readU64(pa));
      // kfree's list of free pages is kept in the first word of each.
      const word = leaf && memory.readU64(leaf.pa + 8n);
      if (word !== undefined && pageFilling(word) !== undefined) return false;
    }
    return true;
  }

  /** Compares the mapped pages of a text with its bytes; `absent` if none is mapped. */
  private compare(root: bigint, text: Text | undefined): 'same' | 'other' | 'absent' {
    const { memory } = this.context;
    const { address, bytes } = text ?? { address: 0n, bytes: new Uint8Array() };
    let answer: 'same' | 'absent' = 'absent';
    for (let done = 0; done < bytes.length;) {
      const at = address + BigInt(done);
      const size = Math.min(bytes.length - done, Number(PAGE_SIZE - (at & (PAGE_SIZE - 1n))));
      const { leaf } = walk(root, at, (pa) => memory.readU64(pa));
      const there = leaf && memory.read(leaf.pa, size);
      if (there) {
        for (let i = 0; i < size; i++) if (there[i] !== bytes[done + i]) return 'other';
        answer = 'same';
      }
      done += size;
    }
    return answer;
  }
}

/** Bytes to compare before and after a breakpoint. */
const NEIGHBOURHOOD = 64;

/** struct proc keeps 15 characters of a name. */
const isCalled = (program: Program, name: string): boolean =>
  program.name === name || (name.length >= 15 && program.name.startsWith(name));
