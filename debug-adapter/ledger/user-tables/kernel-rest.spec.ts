import { strict as assert } from 'node:assert';
import { Mode } from '../../../emulator/types';
import { FakeMachine } from '../../testing/fake-machine';
import { BOOT_STACKS, CPUS, guestKernel, PROC } from '../../testing/xv6-kernel';
import { openXv6 } from '../../xv6/kernel';
import { KernelRest } from './kernel-rest';

/** Hart 0 enters a program; hart 1 runs the process in slot 2. */
function setUp() {
  const { program, proc } = guestKernel();
  const machine = new FakeMachine(2);
  program.poke(CPUS + 16n + 8n, PROC + BigInt(2 * proc.size));
  const rest = new KernelRest(openXv6(program, program.read));
  const [entering, other] = machine.harts;
  entering!.mode = Mode.User;
  other!.mode = Mode.User;
  return { rest, other: other!, isAt: () => rest.isAt(entering!, machine.harts), program };
}

describe('a kernel at rest', () => {
  it('has no other hart in it but in the scheduler', () => {
    const { other, isAt } = setUp();
    assert.equal(isAt(), true);
    other.mode = Mode.Supervisor;
    assert.equal(isAt(), false);
    other.setX(2, BOOT_STACKS.start + 0x100n);
    assert.equal(isAt(), true, 'on the scheduler’s stack');
  });

  it('has no process that the timer has interrupted in it', () => {
    const { rest, isAt } = setUp();
    rest.entered(PROC);
    const saved = rest.save() as bigint[];
    assert.equal(isAt(), false);
    rest.left(PROC);
    assert.equal(isAt(), true);
    rest.restore(saved);
    assert.equal(isAt(), false);
    rest.clear();
    assert.equal(isAt(), true);
  });

  it('is known by the kernel’s trap vector', () => {
    const { rest } = setUp();
    assert.equal(rest.missing, undefined);
    const { program } = guestKernel();
    program.symbols.splice(0, program.symbols.length, ...program.symbols.filter(({ name }) => name !== 'kernelvec'));
    assert.match(new KernelRest(openXv6(program, program.read)).missing ?? '', /no function kernelvec/);
  });
});
