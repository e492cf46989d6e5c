import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { oneSession, sessions, type TestSession } from '../support';

export async function read(session: TestSession, memoryReference: string, count: number, offset?: number) {
  const { body } = (await session.customRequest('readMemory', {
    memoryReference,
    count,
    ...(offset === undefined ? {} : { offset }),
  })) as DebugProtocol.ReadMemoryResponse;
  return { ...body!, bytes: Buffer.from(body?.data ?? '', 'base64') };
}

describe('readMemory', function () {
  this.timeout(60_000);
  const session = oneSession(async (one) => {
    await one.boot({ functions: ['sys_write'] });
    await one.stopped();
  });
  const evaluated = async (expression: string, frameId?: number) =>
    (await session().evaluateRequest({ expression, context: 'watch', ...(frameId === undefined ? {} : { frameId }) }))
      .body;

  it('reads what a variable refers to, by virtual and by physical address', async () => {
    const { memoryReference } = await evaluated('proc[0].name');
    const virtual = await read(session(), memoryReference!, 4);
    assert.equal(virtual.bytes.toString(), 'init');
    assert.equal(virtual.address, memoryReference);
    assert.equal(virtual.unreadableBytes, undefined);
    const physical = await read(session(), `phys:${memoryReference}`, 4);
    assert.deepEqual(physical.bytes, virtual.bytes);
    assert.deepEqual((await read(session(), `kernel:${memoryReference}`, 4)).bytes, virtual.bytes);
    assert.deepEqual((await read(session(), `hart:0:${memoryReference}`, 4)).bytes, virtual.bytes);
    assert.equal((await read(session(), memoryReference!, 2, 2)).bytes.toString(), 'it');
    assert.equal((await read(session(), memoryReference!, 16, -16)).bytes.length, 16);
  });

  it('gives every pointer, array and structure a reference, and page-table entries one of physical memory', async () => {
    const proc = await evaluated('&proc[0]');
    assert.equal((await evaluated('proc[0]')).memoryReference, proc.memoryReference);
    assert.equal((await evaluated('proc')).memoryReference, proc.memoryReference);
    assert.equal((await evaluated('proc[0].pid')).memoryReference, (await evaluated('&proc[0].pid')).memoryReference);
    assert.match((await evaluated('sys_write')).memoryReference!, /^0x8000/);
    assert.equal((await evaluated('1 + 1')).memoryReference, undefined);
    const entry = await evaluated('$pte($pc)');
    assert.match(entry.memoryReference!, /^phys:0x8/);
    const { bytes } = await read(session(), entry.memoryReference!, 8);
    assert.equal(bytes.readBigUInt64LE() & 1n, 1n);
  });

  it("reads a user program's memory through its own table", async () => {
    const frame = (await session().stack()).find(({ name }) => name === 'main')!;
    const { memoryReference } = await evaluated('$pc', frame.id);
    assert.match(memoryReference!, /^user:1:0x/);
    const { bytes } = await read(session(), memoryReference!, 4);
    const pa = (await evaluated('$va2pa($pc)', frame.id)).result;
    assert.deepEqual((await read(session(), `phys:${pa}`, 4)).bytes, bytes);
    const root = (await evaluated('cpus[0].proc->pagetable')).memoryReference!;
    assert.deepEqual((await read(session(), memoryReference!.replace('user:1', `table:${root}`), 4)).bytes, bytes);
    // From a user program's frame, a kernel variable is still read from the kernel.
    const kernel = await evaluated('proc[0].name', frame.id);
    assert.match(kernel.memoryReference!, /^kernel:0x8/);
    assert.equal((await read(session(), kernel.memoryReference!, 4)).bytes.toString(), 'init');
  });

  it('tells what cannot be read: all, or the rest', async () => {
    const none = await read(session(), '0x5000', 8192);
    assert.deepEqual([none.data, none.unreadableBytes], [undefined, 8192]);
    const end = 0x80000000 + 128 * 1024 * 1024;
    const part = await read(session(), `phys:0x${(end - 16).toString(16)}`, 64);
    assert.deepEqual([part.bytes.length, part.unreadableBytes], [16, 48]);
    assert.equal((await read(session(), '0x80000000', 0)).bytes.length, 0);
    assert.equal((await read(session(), '0x80000000', -5)).bytes.length, 0);
    assert.equal((await read(session(), '0x80000000', 1e9)).bytes.length, 1 << 20, 'one answer has an end');
  });

  it('refuses references that are none', async () => {
    for (const [reference, why] of [
      ['nonsense', /"nonsense" is no memory reference/],
      ['user:77:0x0', /no process with pid 77/],
      ['hart:5:0x0', /no address space "hart:5"/],
      ['moon:0x0', /no address space "moon"; there are hart:N, user:PID/],
      ['', /no memory reference/],
    ] as const)
      await assert.rejects(read(session(), reference, 4), why);
    await assert.rejects(read(session(), '0x80000000', 4, 1.5), /"offset" is 1.5; it must be a whole number/);
  });
});

describe('readMemory while the machine runs', function () {
  this.timeout(60_000);
  const session = sessions();

  it('shows memory between two slices', async () => {
    await session().boot();
    await session().written('$ ');
    const { memoryReference } = (await session().evaluateRequest({ expression: 'proc[0].name', context: 'watch' }))
      .body;
    assert.equal((await read(session(), memoryReference!, 4)).bytes.toString(), 'init');
  });
});
