/**
 * A system call that puts back an earlier trap frame, as sigreturn of the traps lab does. The sample has none, so its
 * sys_uptime is written over with one, and the stub of uptime serves as the alarm's handler.
 */
import { strict as assert } from 'node:assert';
import { Assembler } from '../../../emulator/testing/assembler';
import { R } from '../../../emulator/testing/encode';
import { lineOf, sessions } from '../support';

describe('stepping in a handler that the kernel has called', function () {
  this.timeout(60_000);
  const session = sessions();

  const number = async (expression: string): Promise<bigint> =>
    BigInt(/0x[0-9a-f]+|\d+/.exec(await session().value(expression))![0]);

  /** Stops in cat, and calls the handler there. Returns the place that it interrupts. */
  async function interrupted(): Promise<string> {
    await session().boot();
    await session().written('$ ');
    await session().setLines('user/cat.c', lineOf('user/cat.c', /while \(\(n = read/));
    await session().type('cat README');
    await session().stopped();
    await session().setLines('user/cat.c');
    // In the midst of a function: at its first instruction it might be another handler.
    await session().step('next', 1, 'instruction');
    const [place] = await session().places();
    const code = new Assembler()
      .li(R.t0, await number('$proc($pid)->trapframe'))
      .li(R.t1, await number('$pc'))
      .op('sd', { rs1: R.t0, rs2: R.t1, imm: Number(await number('(int)&((struct trapframe *)0)->epc')) })
      .li(R.t1, await number('$sp'))
      .op('sd', { rs1: R.t0, rs2: R.t1, imm: Number(await number('(int)&((struct trapframe *)0)->sp')) })
      .op('jalr', { rd: 0, rs1: R.ra, imm: 0 })
      .image();
    const at = await number('&sys_uptime');
    await session().customRequest('writeMemory', {
      memoryReference: `phys:0x${at.toString(16)}`,
      data: Buffer.from(code).toString('base64'),
    });
    await session().value('$pc = (unsigned long)&uptime', 'repl');
    assert.match((await session().places())[0]!, /^uptime user\/usys\.S/);
    return place!;
  }

  it('next ends where the program goes on that was interrupted', async () => {
    const place = await interrupted();
    const stop = await session().step('next');
    assert.equal(stop.reason, 'step');
    assert.equal((await session().places())[0], place);
  });

  it('by instructions too', async () => {
    const place = await interrupted();
    await session().step('next', 1, 'instruction');
    await session().step('next', 1, 'instruction');
    assert.equal((await session().places())[0], place);
  });

  it('stepOut ends there, though no caller of the handler is ever returned to', async () => {
    const place = await interrupted();
    await session().step('stepOut');
    assert.equal((await session().places())[0], place);
  });
});
