import { strict as assert } from 'node:assert';
import { X } from '../../emulator/isa/registers';
import { Mode } from '../../emulator/types';
import { TestMemory } from '../../emulator/testing/page-tables';
import { MappedProgram } from '../code/mapped-program';
import { FakeMachine } from '../testing/fake-machine';
import { BOOT_STACKS, guestKernel } from '../testing/xv6-kernel';
import { openXv6 } from '../xv6/kernel';
import { LedgerWords } from './words';

/** Hart 1 runs sh, pid 3; hart 0 nobody. */
function setUp() {
  const { program, set } = guestKernel();
  program.segments.push({
    ...{ virtualAddress: program.base, memorySize: 0x1000n, executable: true, writable: false },
    ...{ physicalAddress: program.base, bytes: new Uint8Array(), readable: true },
  });
  const machine = { memory: new TestMemory() };
  const words = new LedgerWords({ machine, xv6: openXv6(program, program.read), image: new MappedProgram(program) });
  return { words, harts: new FakeMachine(2).harts, set };
}

describe('the words of the ledger', () => {
  it('name who has called the allocator, and the process if it was for one', () => {
    const { words } = setUp();
    assert.equal(words.caller({ site: 0x8000_0510n, pid: 3 }), 'panic (pid 3)');
    assert.equal(words.caller({ site: 0x8000_0510n, pid: 0 }), 'panic');
    assert.equal(words.caller({ site: 0x8000_0540n, pid: 0 }), 'panic', 'it returns behind its last instruction');
    assert.equal(words.caller({ site: 0x8000_0500n, pid: 0 }), 'the code before 0x80000500');
    assert.equal(words.callerOf(undefined), undefined);
  });

  it('name an instruction: a program’s only in user mode, a process’s only where one runs', () => {
    const { words, harts } = setUp();
    const [idle, busy] = harts;
    assert.equal(words.executed(busy!, 0x8000_0508n), 'panic+8 (pid 3)');
    assert.equal(words.executed(busy!, 0x8100_0000n), "the kernel's code at 0x81000000 (pid 3)");
    assert.equal(words.executed(idle!, 0x8000_0508n), 'panic+8');
    busy!.mode = Mode.User;
    assert.equal(words.executed(busy!, 0x8000_0508n), 'the program at 0x80000508 (pid 3)');
    busy!.mode = Mode.Supervisor;
    busy!.setX(X.sp, BOOT_STACKS.start + 0x100n);
    assert.equal(words.executed(busy!, 0x8000_0508n), 'panic+8', 'the scheduler');
  });

  it('name whose table it is, and what lies at an address, if anything does', () => {
    const { words, set } = setUp();
    assert.equal(words.table(0x87f7_0000n), 'the table of pid 3 sh');
    set(2, { state: 0n });
    assert.equal(words.table(0x87f7_0000n), 'the table with its root at 0x87f70000');
    assert.equal(words.content(0x1000_0000n), 'UART');
    assert.equal(words.content(0x8040_0000n), 'RAM');
    assert.deepEqual([words.content(0x2000_0000n), words.content(0x8100_0000n)], [undefined, undefined]);
  });
});
