/**
 * Random programs, run here and in QEMU: all registers, traps, CSRs, page-table entries and memory must be equal.
 * LOCKSTEP_SEED and LOCKSTEP_PROGRAMS choose other programs, and more of them.
 */
import assert from 'node:assert/strict';
import { lengthOf } from '../../emulator/isa/instructions/decode';
import { disassemble } from '../../emulator/isa/instructions/disassemble';
import { elf } from '../../emulator/testing/elf';
import { type LockstepProgram, MEMORY, type ProgramResult, lockstepImage, parseResults } from './lockstep-image';
import { haveQemu, outputHere, outputInQemu } from './qemu';

const SEED = Number(process.env.LOCKSTEP_SEED ?? 1);
const PROGRAMS = Number(process.env.LOCKSTEP_PROGRAMS ?? 500);
/** The extensions of this machine; QEMU's rv64 has more. */
const CPU = 'rv64,h=false';

const hex = (value: bigint | undefined): string => (value === undefined ? 'nothing' : `0x${value.toString(16)}`);

function differences(here: ProgramResult, qemu: ProgramResult): string[] {
  const lines: string[] = [];
  for (let i = 0; i < Math.max(here.traps.length, qemu.traps.length); i++) {
    for (const field of ['mepc', 'mcause', 'mtval', 'mstatus'] as const) {
      const [a, b] = [here.traps[i]?.[field], qemu.traps[i]?.[field]];
      if (a !== b) lines.push(`trap ${i} (at ${hex(qemu.traps[i]?.mepc)}): ${field} ${hex(a)}, in QEMU ${hex(b)}`);
    }
    if (lines.length > 0) break;
  }
  for (const [name, value] of here.state)
    if (qemu.state.get(name) !== value) lines.push(`${name} ${hex(value)}, in QEMU ${hex(qemu.state.get(name))}`);
  return lines;
}

/**
 * Where QEMU 7.2 deviates from the specification, or makes another choice: outside memory, an atomic raises a load access
 * fault, and a misaligned access a fault for a part of it; an sc without a reservation fails without checking its address; a
 * supervisor may fetch from a user's page that it has read before.
 */
function deviates(here: ProgramResult, qemu: ProgramResult, { code, address }: LockstepProgram): boolean {
  const first = here.traps.findIndex((trap, index) => {
    const other = qemu.traps[index];
    return trap.mcause !== other?.mcause || trap.mepc !== other.mepc || trap.mtval !== other.mtval;
  });
  if (first < 0) return false;
  const { mcause, mepc, mtval } = here.traps[first]!;
  const other = qemu.traps[first];
  const at = Number(mepc) - address;
  const atomic = (code[at]! & 127) === 0x2f;
  if (atomic && code[at + 3]! >> 3 === 3) return other?.mepc !== mepc;
  if (atomic) return mcause === 7n && other?.mcause === 5n;
  if (mcause === 12n) return other?.mepc === mepc;
  return mcause >= 4n && mcause <= 7n && (mtval & 7n) !== 0n;
}

function listing({ code, address }: LockstepProgram): string {
  const lines: string[] = [];
  for (let at = 0; at + 1 < code.length;) {
    const half = code[at]! | (code[at + 1]! << 8);
    const length = lengthOf(half);
    const word = length === 4 ? half | (((code[at + 2] ?? 0) | ((code[at + 3] ?? 0) << 8)) << 16) : half;
    const text = disassemble(word, BigInt(address + at)).text;
    lines.push(`    ${(address + at).toString(16)}: ${(word >>> 0).toString(16).padStart(length * 2, '0')}  ${text}`);
    at += length;
  }
  return lines.join('\n');
}

describe('random programs, here and in QEMU', function () {
  this.timeout(120_000);

  it(`${PROGRAMS} programs of seed ${SEED} end alike`, async function () {
    if (!haveQemu()) {
      console.log('      skipped: qemu-system-riscv64 is not on the PATH (Debian package qemu-system-misc)');
      this.skip();
    }
    const { image, programs } = lockstepImage(SEED, PROGRAMS);
    const kernel = elf(image);
    const machine = { harts: 2, memory: MEMORY, kernel, legacyVirtio: true };
    const here = parseResults(outputHere(machine), PROGRAMS);
    const qemu = parseResults(await outputInQemu(CPU, 2, MEMORY, kernel), PROGRAMS);
    let deviating = 0;
    const reports = programs.flatMap((program, index) => {
      if (deviates(here[index]!, qemu[index]!, program)) {
        deviating++;
        return [];
      }
      const found = differences(here[index]!, qemu[index]!);
      const title = `  program ${index}, mode ${program.mode}:`;
      return found.length > 0 ? [[title, ...found.map((line) => `    ${line}`), listing(program)].join('\n')] : [];
    });
    assert.ok(
      here.some(({ traps }) => traps.length > 3),
      'the programs are supposed to trap',
    );
    assert.ok(deviating < PROGRAMS / 20, `${deviating} programs met what QEMU is known to do otherwise`);
    const summary = `${reports.length} of ${PROGRAMS} programs differ`;
    assert.equal(reports.length, 0, [summary, ...reports.slice(0, 3)].join('\n'));
  });
});
