/** Kernels that rely on what QEMU does in another way: one line in the debug console, and words at the stop. */
import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Csr } from '../../../emulator/isa/csrs';
import { Assembler } from '../../../emulator/testing/assembler';
import { elf } from '../../../emulator/testing/elf';
import { R } from '../../../emulator/testing/encode';
import { sessions } from '../support';

describe('what QEMU does in another way', function () {
  this.timeout(60_000);
  const session = sessions();

  const boot = async (write: (a: Assembler) => Assembler): Promise<void> => {
    const kernel = join(session().folder, 'kernel');
    const a = new Assembler();
    a.to('main', 'jal').label('vector').to('vector', 'jal').label('main');
    a.li(R.t0, 0x8000_0004).op('csrrw', { rs1: R.t0, imm: Csr.mtvec });
    writeFileSync(kernel, elf(write(a).label('spin').to('spin', 'jal').image()));
    await session().boot({ kernel, filters: [] });
  };

  it('is said once: leaving M-mode with no PMP entry on', async () => {
    await boot((a) => a.li(R.t0, 0x8000_0004).op('csrrw', { rs1: R.t0, imm: Csr.mepc }).op('mret'));
    await session().pauseRequest({ threadId: 1 });
    await session().stopped();
    assert.equal(session().messages.match(/PMP entry/g)?.length, 1);
    assert.match(session().messages, /hart 0 leaves M-mode at 0x8000\w+ with no PMP entry on\. .*QEMU 6 and later/);
  });
});
