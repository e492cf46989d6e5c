import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { sessions, type TestSession } from './support';

async function read(session: TestSession, memoryReference: string, count: number, offset = 0) {
  const { body } = (await session.customRequest('readMemory', {
    memoryReference,
    count,
    offset,
  })) as DebugProtocol.ReadMemoryResponse;
  return { ...body!, bytes: Buffer.from(body?.data ?? '', 'base64') };
}

async function rows(session: TestSession, args: DebugProtocol.DisassembleArguments) {
  return ((await session.customRequest('disassemble', args)) as DebugProtocol.DisassembleResponse).body!.instructions;
}

describe('readMemory and writeMemory', function () {
  this.timeout(60_000);
  const session = sessions();
  beforeEach(async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
  });

  it('read what a variable refers to, by virtual and by physical address', async () => {
    const { memoryReference } = (await session().evaluateRequest({ expression: 'proc[0].name', context: 'watch' }))
      .body;
    const virtual = await read(session(), memoryReference!, 4);
    assert.equal(virtual.bytes.toString(), 'init');
    const physical = await read(session(), `phys:${memoryReference}`, 4);
    assert.deepEqual(physical.bytes, virtual.bytes);
  });

  it('tell what cannot be read', async () => {
    const page = await read(session(), '0x5000', 8192);
    assert.equal(page.bytes.length, 0);
    assert.equal(page.unreadableBytes, 8192);
    const { memoryReference } = (await session().evaluateRequest({ expression: '&proc[0]', context: 'watch' })).body;
    assert.equal((await read(session(), memoryReference!, 16, -16)).bytes.length, 16);
  });

  it('write, and show it', async () => {
    const { memoryReference } = (await session().evaluateRequest({ expression: '&proc[0].xstate', context: 'watch' }))
      .body;
    const data = Buffer.from([1, 2, 0, 0]).toString('base64');
    const answer = (await session().customRequest('writeMemory', {
      memoryReference,
      data,
    })) as DebugProtocol.WriteMemoryResponse;
    assert.equal(answer.body?.bytesWritten, 4);
    assert.equal(await session().value('proc[0].xstate'), '513');
    await assert.rejects(
      session().customRequest('writeMemory', { memoryReference: '0x5000', data }),
      /not all of them are mapped/,
    );
  });
});

describe('disassemble', function () {
  this.timeout(60_000);
  const session = sessions();
  beforeEach(async () => {
    await session().boot({ functions: ['kvminit'] });
    await session().stopped();
  });

  it('gives exactly the rows asked for, with symbols and lines', async () => {
    const pc = (await session().stack())[0]!.instructionPointerReference!;
    const found = await rows(session(), { memoryReference: pc, instructionOffset: 0, instructionCount: 8 });
    assert.equal(found.length, 8);
    assert.equal(found[0]!.address, pc);
    assert.ok(found.some(({ symbol }) => symbol === 'kvminit') || found[0]!.line !== undefined);
    assert.match(found.map(({ instruction }) => instruction).join('\n'), /jalr|jal/);
  });

  it('finds the instructions before an address', async () => {
    const pc = (await session().stack())[0]!.instructionPointerReference!;
    const forward = await rows(session(), { memoryReference: pc, instructionOffset: 0, instructionCount: 20 });
    const back = await rows(session(), {
      memoryReference: forward[10]!.address,
      instructionOffset: -10,
      instructionCount: 20,
    });
    assert.deepEqual(back.slice(0, 10), forward.slice(0, 10));
    assert.equal(back.length, 20);
  });

  it('answers soon however far away it is asked to look', async () => {
    const start = Date.now();
    for (const instructionOffset of [20_000_000, -20_000_000])
      assert.equal(
        (await rows(session(), { memoryReference: '0x80000000', instructionOffset, instructionCount: 5 })).length,
        5,
      );
    assert.ok(Date.now() - start < 5000);
  });

  it('pads where there is nothing', async () => {
    const found = await rows(session(), {
      memoryReference: '0x80000000',
      instructionOffset: -50,
      instructionCount: 60,
    });
    assert.equal(found.length, 60);
    assert.equal(found[50]!.symbol, '_entry');
    assert.equal(found[0]!.presentationHint, 'invalid');
    assert.equal((await rows(session(), { memoryReference: '0x10', instructionCount: 5 })).length, 5);
  });
});
