/**
 * Floating-point instructions here and in QEMU, whose soft-float is Berkeley's: what they write and the flags that they raise
 * are equal, in every rounding mode. FLOAT_SEED and FLOAT_CASES choose other operands, and more of them.
 */
import assert from 'node:assert/strict';
import { disassemble } from '../../emulator/isa/instructions/disassemble';
import { elf } from '../../emulator/testing/elf';
import { encode } from '../../emulator/testing/encode';
import { Random } from '../../emulator/testing/random';
import { type FloatCase, MEMORY, RESULT_SIZE, floatImage } from './float-image';
import { haveQemu, outputHere, outputInQemu } from './qemu';

const SEED = Number(process.env.FLOAT_SEED ?? 1);
const CASES = Number(process.env.FLOAT_CASES ?? 20_000);
const CPU = 'rv64,h=false';

const resultAt = (output: Uint8Array, index: number): { bits: bigint; flags: number } => {
  const view = new DataView(output.buffer, output.byteOffset + index * RESULT_SIZE, RESULT_SIZE);
  return { bits: view.getBigUint64(0, true), flags: view.getUint8(8) };
};

function reports(cases: readonly FloatCase[], here: Uint8Array, qemu: Uint8Array): string[] {
  return cases.flatMap(({ instruction, rm, frm, operands }, index) => {
    const [ours, theirs] = [resultAt(here, index), resultAt(qemu, index)];
    if (ours.bits === theirs.bits && ours.flags === theirs.flags) return [];
    const { text } = disassemble(encode(instruction.name, { fs1: 1, fs2: 2, fs3: 3, fd: 4, rm }) | 0, 0n);
    const words = operands.map((bits) => bits.toString(16).padStart(16, '0')).join(' ');
    const shown = ({ bits, flags }: typeof ours): string => `${bits.toString(16)} with flags ${flags}`;
    return [`${text}, frm ${frm}, of ${words}: ${shown(ours)}, in QEMU ${shown(theirs)}`];
  });
}

describe('floating-point instructions, here and in QEMU', function () {
  this.timeout(600_000);

  for (const acceleration of ['interp', 'mixed'] as const) {
    it(`give equal results ${CASES} times with operands of seed ${SEED} (${acceleration})`, async function () {
      if (!haveQemu()) {
        console.log('      skipped: qemu-system-riscv64 is not on the PATH (Debian package qemu-system-misc)');
        this.skip();
      }
      const { image, cases } = floatImage(new Random(SEED), CASES);
      const kernel = elf(image);
      const here = outputHere({ harts: 1, memory: MEMORY, kernel, legacyVirtio: true, acceleration }, 10);
      const qemu = await outputInQemu(CPU, 1, MEMORY, kernel);
      assert.equal(here.length, cases.length * RESULT_SIZE);
      assert.equal(qemu.length, here.length);
      const found = reports(cases, here, qemu);
      assert.equal(found.length, 0, [`${found.length} of ${cases.length} differ`, ...found.slice(0, 20)].join('\n'));
    });
  }
});
