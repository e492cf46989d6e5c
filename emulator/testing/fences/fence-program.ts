/**
 * For tests: guests that change page tables, fence or do not, and use translations. They run in S-mode, where BASE is mapped
 * to itself by a global or a plain leaf of 1 GiB; a trap writes scause to a5 and goes on after the instruction.
 */
import { Csr } from '../../isa/csrs';
import { satpOf } from '../../isa/sv39';
import { Assembler, BASE, csrr, csrw, laidOut, R, toSupervisor } from '../guests';
import { PageTables, RWX } from '../page-tables';

const TABLES = BASE + 0x4_0000;
/** Eight pages, whose first double is 11, 22, and so on. */
const PAGES = BASE + 0x8_0000;

export const pageAt = (index: number): number => PAGES + index * 0x1000;
export const contentOf = (index: number): bigint => BigInt(11 * (index + 1));

const { t0, t1, t2, a5 } = R;
const ASID_SHIFT = 44n;

export class FenceProgram {
  readonly tables = new PageTables(TABLES);
  readonly root: number;
  private readonly a = new Assembler();
  private begun = false;

  constructor(private readonly asid = 0) {
    this.root = this.space();
  }

  /** Another address space, with BASE mapped as in the first. */
  space(flags = RWX): number {
    const root = this.tables.table();
    this.tables.map(root, BASE, BASE, flags, 1, 2);
    return root;
  }

  satp(root: number, asid = this.asid): bigint {
    return satpOf(BigInt(root)) | (BigInt(asid) << ASID_SHIFT);
  }

  /** The instructions, after the tables are made. */
  get code(): Assembler {
    if (this.begun) return this.a;
    this.begun = true;
    toSupervisor(this.a, this.satp(this.root));
    this.a.la(t0, 'trap');
    return csrw(this.a, Csr.stvec, t0);
  }

  /** rd := the double at `va`. */
  load(rd: number, va: number | bigint): this {
    this.code.li(t0, va).op('ld', { rd, rs1: t0 });
    return this;
  }

  /** Stores a double at an address that is mapped. */
  store(at: number | bigint, value: number | bigint): this {
    this.code.li(t0, at).li(t1, value).op('sd', { rs1: t0, rs2: t1 });
    return this;
  }

  /** sfence.vma with these operands. */
  fence(address?: number | bigint, asid?: number): this {
    const { code } = this;
    if (address !== undefined) code.li(t1, address);
    if (asid !== undefined) code.li(t2, asid);
    code.op('sfence.vma', { rs1: address === undefined ? 0 : t1, rs2: asid === undefined ? 0 : t2 });
    return this;
  }

  writeSatp(value: bigint): this {
    csrw(this.code.li(t0, value), Csr.satp, t0);
    return this;
  }

  /** The kernel, which ends in an endless loop. */
  kernel(): Uint8Array {
    const a = this.code;
    a.label('halt').to('halt', 'jal').align(4).label('trap');
    csrr(a, a5, Csr.scause);
    csrr(a, t0, Csr.sepc).op('addi', { rd: t0, rs1: t0, imm: 4 });
    csrw(a, Csr.sepc, t0).op('sret');
    const pages = Array.from({ length: 8 }, (_, i): [number, Uint8Array] => [
      pageAt(i),
      new Uint8Array(new BigUint64Array([contentOf(i)]).buffer),
    ]);
    return laidOut(a, [TABLES, this.tables.bytes()], ...pages);
  }
}
