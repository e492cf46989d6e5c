import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { golden } from '../golden';
import { oneSession, sessions, type TestSession } from '../support';

type Instruction = DebugProtocol.DisassembledInstruction;

async function rows(session: TestSession, args: DebugProtocol.DisassembleArguments): Promise<Instruction[]> {
  const { body } = (await session.customRequest('disassemble', args)) as DebugProtocol.DisassembleResponse;
  assert.equal(body!.instructions.length, args.instructionCount, 'exactly the rows asked for');
  return body!.instructions;
}

/** As a disassembly view shows it. */
const text = (found: readonly Instruction[]): string[] =>
  found.flatMap((row) => [
    ...(row.line === undefined ? [] : [`${row.location?.name}:${row.line}`]),
    [row.address, row.instructionBytes?.padEnd(11) ?? '', `<${row.symbol ?? ''}>`, row.instruction].join('  '),
  ]);

describe('disassemble', function () {
  this.timeout(60_000);
  const session = oneSession(async (one) => {
    await one.boot({ functions: ['mappages'] });
    await one.stopped();
  });
  const pc = async (): Promise<string> => (await session().stack())[0]!.instructionPointerReference!;
  const length = ({ instructionBytes }: Instruction): number => instructionBytes?.split(' ').length ?? 2;

  it('shows a function with its symbols and its source', async () => {
    const found = await rows(session(), { memoryReference: await pc(), instructionOffset: -4, instructionCount: 60 });
    golden('disassembly-mappages', text(found));
    assert.ok(
      found.every(
        ({ address }, i) =>
          i === 0 || BigInt(address) === BigInt(found[i - 1]!.address) + BigInt(length(found[i - 1]!)),
      ),
    );
  });

  it('gives a source line only where another begins, and no symbols if none are wanted', async () => {
    const found = await rows(session(), { memoryReference: await pc(), instructionCount: 30 });
    let before = '';
    for (const { location, line } of found) {
      assert.equal(location === undefined, line === undefined);
      if (line === undefined) continue;
      assert.notEqual(`${location!.path}:${line}`, before);
      before = `${location!.path}:${line}`;
    }
    const plain = await rows(session(), { memoryReference: await pc(), instructionCount: 5, resolveSymbols: false });
    assert.ok(plain.every(({ symbol }) => symbol === undefined));
  });

  it('finds the instructions before an address, whichever it is', async () => {
    const forward = await rows(session(), { memoryReference: await pc(), instructionCount: 40 });
    for (const at of [10, 11, 12, 13, 25]) {
      const back = await rows(session(), {
        memoryReference: forward[at]!.address,
        instructionOffset: -at,
        instructionCount: 40,
      });
      assert.deepEqual(
        back.map(({ address, instruction }) => [address, instruction]),
        forward.map(({ address, instruction }) => [address, instruction]),
      );
    }
    const [only] = await rows(session(), {
      memoryReference: forward[20]!.address,
      instructionOffset: -15,
      instructionCount: 1,
    });
    assert.equal(only!.address, forward[5]!.address);
    const ahead = await rows(session(), { memoryReference: await pc(), instructionOffset: 7, instructionCount: 3 });
    assert.equal(ahead[0]!.address, forward[7]!.address);
    const offset = await rows(session(), {
      memoryReference: await pc(),
      offset: Number(BigInt(forward[3]!.address) - BigInt(forward[0]!.address)),
      instructionCount: 1,
    });
    assert.equal(offset[0]!.address, forward[3]!.address);
  });

  it('pads where there is nothing, and ends soon however far away it is asked to look', async () => {
    const found = await rows(session(), {
      memoryReference: '0x80000000',
      instructionOffset: -50,
      instructionCount: 60,
    });
    assert.equal(found[50]!.symbol, '_entry');
    assert.ok(found.slice(0, 50).every(({ presentationHint }) => presentationHint === 'invalid'));
    assert.equal(new Set(found.map(({ address }) => address)).size, 60);
    await rows(session(), { memoryReference: '0x10', instructionOffset: -20, instructionCount: 40 });
    for (const instructionOffset of [20_000_000, -20_000_000])
      await rows(session(), { memoryReference: '0x80000000', instructionOffset, instructionCount: 5 });
    await rows(session(), { memoryReference: '0x80000000', instructionCount: 0 });
  });
});

describe('disassemble in a user program', function () {
  this.timeout(60_000);
  const session = sessions();

  it('shows its code with its own symbols and source', async () => {
    await session().boot({ functions: ['sys_exec'] });
    await session().stopped();
    const frame = (await session().stack()).find(({ name }) => name === 'main')!;
    assert.match(frame.instructionPointerReference!, /^user:2:0x/);
    const found = await rows(session(), {
      memoryReference: frame.instructionPointerReference!,
      instructionOffset: -8,
      instructionCount: 16,
    });
    golden('disassembly-init', text(found));
    const trampoline = await rows(session(), {
      memoryReference: 'user:2:0x3ffffff000',
      instructionCount: 6,
    });
    golden('disassembly-trampoline', text(trampoline));
  });
});
