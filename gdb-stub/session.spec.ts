/** The stub as a client sees it, packet by packet: what QEMU answers to the same, and what gdb needs besides. */
import assert from 'node:assert/strict';
import { compareInstants } from '../emulator/history/instant';
import { Csr } from '../emulator/isa/csrs';
import { Machine } from '../emulator/machine';
import { Assembler } from '../emulator/testing/assembler';
import { elf } from '../emulator/testing/elf';
import { R } from '../emulator/testing/encode';
import { Random } from '../emulator/testing/random';
import { hexOf, packetOf, textOf } from './packets';
import { encodeRegister } from './registers';
import { TestClient } from './testing/client';

const COUNTER = 0x8000_8000;
const MTIMECMP = 0x200_4000;

/** Counts in memory for ever, by a function; each hart at an address of its own. */
function counting(): { kernel: Uint8Array; at: (label: string) => string } {
  const a = new Assembler();
  a.li(R.s0, COUNTER).li(R.a0, 0);
  a.op('csrrs', { rd: R.t0, imm: Csr.mhartid }).op('slli', { rd: R.t0, rs1: R.t0, imm: 3 });
  a.op('add', { rd: R.s0, rs1: R.s0, rs2: R.t0 });
  a.label('loop').to('count', 'jal', { rd: R.ra });
  a.label('after').to('loop', 'jal');
  a.label('count').op('addi', { rd: R.a0, rs1: R.a0, imm: 1 });
  a.label('store').op('sd', { rs1: R.s0, rs2: R.a0 });
  a.label('stored').op('jalr', { rs1: R.ra });
  return { kernel: elf(a.image()), at: (label) => a.addressOf(label).toString(16) };
}

/** Counts in a register, and is interrupted by the timer all the time. */
function interrupted(): { kernel: Uint8Array; handler: bigint } {
  const a = new Assembler();
  const period = 3;
  a.la(R.t0, 'handler').op('csrrw', { rs1: R.t0, imm: Csr.mtvec }).li(R.s0, MTIMECMP).op('sd', { rs1: R.s0 });
  a.li(R.t0, 1 << 7)
    .op('csrrs', { rs1: R.t0, imm: Csr.mie })
    .op('csrrsi', { rs1: 8, imm: Csr.mstatus });
  a.label('loop').op('addi', { rd: R.a0, rs1: R.a0, imm: 1 }).to('loop', 'jal');
  const swap = { rd: R.t1, rs1: R.t1, imm: Csr.mscratch };
  a.label('handler').op('csrrw', swap).op('csrrs', { rd: R.t1, imm: Csr.time });
  a.op('addi', { rd: R.t1, rs1: R.t1, imm: period }).op('sd', { rs1: R.s0, rs2: R.t1 }).op('csrrw', swap).op('mret');
  return { kernel: elf(a.image()), handler: BigInt(a.addressOf('handler')) };
}

const { kernel, at } = counting();
const FEATURES = 'qSupported:multiprocess-;swbreak+';

async function connected(harts = 1): Promise<TestClient> {
  const client = new TestClient({ harts, kernel });
  await client.ask(FEATURES);
  return client;
}

const pcOf = (client: TestClient): bigint => client.target.machine.harts[0]!.pc;
const hexPc = (client: TestClient): string => pcOf(client).toString(16);
const counter = async (client: TestClient, hart = 0): Promise<number> =>
  parseInt((await client.ask(`m${(COUNTER + 8 * hart).toString(16)},1`)).slice(0, 2), 16);

describe("gdb's stub", () => {
  it('says what it can, and describes registers by the numbers that QEMU gives them', async () => {
    const client = new TestClient({ harts: 1, kernel });
    const features = await client.ask('qSupported:multiprocess+');
    for (const feature of ['PacketSize=4000', 'qXfer:features:read+', 'ReverseStep+', 'ReverseContinue+'])
      assert.ok(features.split(';').includes(feature), features);
    assert.match(await client.ask('qXfer:features:read:target.xml:0,ffb'), /^l.*riscv:rv64.*riscv-csr\.xml/);
    let csrs = '';
    for (let part = 'm'; part.startsWith('m'); csrs += part.slice(1))
      part = await client.ask(`qXfer:features:read:riscv-csr.xml:${csrs.length.toString(16)},100`);
    assert.match(csrs, /<reg name="satp" bitsize="64" type="int" regnum="450"\/>.*<\/feature>$/);
    assert.match(await client.ask('qXfer:features:read:riscv-64bit-virtual.xml:0,ffb'), /"priv".*regnum="65"/);
    assert.equal(await client.ask('qXfer:features:read:other.xml:0,ffb'), 'E00');
    assert.equal(await client.ask('p41'), encodeRegister(3n));
    assert.equal(await client.ask('p20'), encodeRegister(0x1000n));
    assert.equal((await client.ask('g')).length, 33 * 16);
    assert.equal(await client.ask('?'), 'T05thread:p01.01;');
    assert.equal(await client.ask('vMustReplyEmpty'), '');
  });

  it('lists harts as threads', async () => {
    const client = await connected(3);
    assert.equal(await client.ask('qfThreadInfo'), 'm01');
    assert.deepEqual(
      [await client.ask('qsThreadInfo'), await client.ask('qsThreadInfo'), await client.ask('qsThreadInfo')],
      ['m02', 'm03', 'l'],
    );
    assert.match(Buffer.from(await client.ask('qThreadExtraInfo,2'), 'hex').toString(), /^CPU#1 \[machine mode/);
    assert.equal(await client.ask('T3'), 'OK');
    assert.equal(await client.ask('T4'), 'E22');
    assert.equal(await client.ask('Hg3'), 'OK');
    assert.equal(await client.ask('qC'), 'QC03');
    assert.equal(await client.ask('Hg4'), 'E22');
  });

  it('stops at breakpoints, once each time', async () => {
    const client = await connected();
    assert.equal(await client.ask(`Z0,${at('count')},4`), 'OK');
    for (let round = 0; round < 3; round++) {
      assert.equal(await client.ask('vCont;c'), 'T05thread:01;');
      assert.equal(hexPc(client), at('count'));
      assert.equal(await counter(client), round);
    }
    assert.equal(await client.ask(`z0,${at('count')},4`), 'OK');
    assert.equal(await client.ask(`z0,${at('count')},4`), 'E22');
    assert.equal(await client.ask('c'), '');
    client.send('\x03');
    assert.match(client.replies.at(-1)!, /^T02thread:01;/);
  });

  it('stops other harts at the breakpoints of the last run while gdb takes one hart over them', async () => {
    const client = await connected(2);
    await client.ask(`Z0,${at('count')},4`);
    const first = await client.ask('vCont;c');
    const [, thread = ''] = /thread:0([12]);/.exec(first)!;
    const other = thread === '1' ? '2' : '1';
    await client.ask(`z0,${at('count')},4`);
    // The hart that is let run does not meet it again, and the other one does.
    assert.equal(await client.ask(`vCont;c:${thread}`), `T05thread:0${other};`);
  });

  it('steps a hart by an instruction, and over interrupts', async () => {
    const { kernel: guest, handler } = interrupted();
    const client = new TestClient({ harts: 1, kernel: guest });
    const { machine } = client.target;
    let traps = 0;
    machine.subscribe({ trap: () => (traps++, false) });
    for (let steps = 0; steps < 200; steps++) {
      const before = pcOf(client);
      assert.equal(await client.ask('vCont;s:1;c'), 'T05thread:01;');
      assert.notEqual(pcOf(client), before);
      assert.ok(pcOf(client) < handler, 'it stands in the handler');
    }
    assert.ok(traps > 5, `${traps} interrupts`);
  });

  it('steps back over interrupts, to the same states', async () => {
    const { kernel: guest, handler } = interrupted();
    const client = new TestClient({ harts: 1, kernel: guest });
    await client.ask(FEATURES);
    const states: string[] = [];
    for (let steps = 0; steps < 60; steps++) {
      states.push(await client.ask('g'));
      await client.ask('vCont;s:1');
    }
    for (const state of states.toReversed()) {
      assert.equal(await client.ask('bs'), 'T05thread:01;');
      assert.ok(pcOf(client) < handler);
      assert.equal(await client.ask('g'), state);
    }
    assert.equal(await client.ask('bs'), 'T05thread:01;replaylog:begin;');
  });

  it('stops before the instruction that touches watched bytes', async () => {
    const client = await connected(2);
    const address = (COUNTER + 8).toString(16);
    assert.equal(await client.ask(`Z2,${address},8`), 'OK');
    const told = `T05thread:02;watch:${address.padStart(16, '0')};`;
    assert.equal(await client.ask('vCont;c'), told);
    assert.equal(client.target.machine.harts[1]!.pc.toString(16), at('store'));
    assert.equal(await counter(client, 1), 0);
    assert.equal(await client.ask(`z2,${address},8`), 'OK');
    await client.ask('vCont;s:2');
    assert.equal(await counter(client, 1), 1);
    await client.ask(`Z3,${address},8`);
    assert.equal(await client.ask('vCont;c'), '', 'nobody reads it');
  });

  it('goes back to the last breakpoint, and before the last write', async () => {
    const client = await connected();
    await client.ask(`Z0,${at('count')},4`);
    const states: string[] = [];
    for (let round = 0; round < 5; round++) {
      await client.ask('c');
      states.push(client.target.machine.stateHash());
    }
    for (const state of states.slice(0, -1).toReversed()) {
      assert.equal(await client.ask('bc'), 'T05thread:01;');
      assert.equal(client.target.machine.stateHash(), state);
    }
    assert.equal(await client.ask('bc'), 'T05thread:01;replaylog:begin;');
    for (const state of states) {
      await client.ask('c');
      assert.equal(client.target.machine.stateHash(), state);
    }
    await client.ask(`z0,${at('count')},4`);
    await client.ask(`Z2,${COUNTER.toString(16)},8`);
    assert.match(await client.ask('bc'), /^T05thread:01;watch:/);
    assert.equal(hexPc(client), at('stored'), 'gdb itself steps back over the write');
    assert.equal(await counter(client), 4);
    await client.ask('bs');
    assert.equal(await counter(client), 3);
  });

  it('writes by inputs, so that the run replays', async () => {
    const client = await connected();
    const { machine } = client.target;
    await client.ask(`Z0,${at('count')},4`);
    await client.ask('c');
    assert.equal(await client.ask(`Pa=${encodeRegister(41n)}`), 'OK');
    assert.equal(await client.ask(`M${(COUNTER + 64).toString(16)},3:010203`), 'OK');
    assert.equal(await client.ask(`X${(COUNTER + 67).toString(16)},2:#}`), 'OK');
    assert.equal(await client.ask(`m${(COUNTER + 64).toString(16)},5`), '010203237d');
    assert.equal(await client.ask(`P${(66 + Csr.mscratch).toString(16)}=${encodeRegister(7n)}`), 'OK');
    assert.equal(await client.ask('c'), 'T05thread:01;');
    assert.equal(await counter(client), 42);
    const other = new Machine(machine.options);
    other.replay(machine.inputs.since(0));
    while (compareInstants(other.instant, machine.instant) < 0) other.run({ instructions: 1e6, to: machine.instant });
    assert.equal(other.stateHash(), machine.stateHash());
    // In the past a write begins another future.
    await client.ask('bc');
    await client.ask(`Pa=${encodeRegister(99n)}`);
    await client.ask('c');
    assert.equal(await counter(client), 100);
    assert.equal(await client.ask('M0,1:00'), 'E14');
    assert.equal(await client.ask(`M${COUNTER.toString(16)},2:00`), 'E22');
  });

  it('serves graders, which acknowledge nothing and ask for nothing', async () => {
    const client = new TestClient({ harts: 1, kernel });
    client.send(textOf(packetOf(`Z1,${at('count')},1`)));
    client.send(textOf(packetOf('c')));
    await client.settle(1000);
    assert.deepEqual(client.replies, ['+', 'OK', '+', 'T05thread:01;']);
    assert.equal(client.session.isDebugger, false);
  });

  it('sends its answer again when asked, and asks again for what came damaged', () => {
    const client = new TestClient({ harts: 1, kernel });
    client.send('$qAttached#8f-$qAttached#00');
    assert.deepEqual(client.replies, ['+', '1', '1', 'nack']);
    client.replies.length = 0;
    client.send(textOf(packetOf('QStartNoAckMode')));
    client.send(textOf(packetOf('qAttached')));
    client.send('$qAttached#00');
    assert.deepEqual(client.replies, ['+', 'OK', '1']);
  });

  it('answers the monitor', async () => {
    const client = await connected();
    const monitor = async (line: string): Promise<string> => {
      const replies = (await client.ask(`qRcmd,${hexOf(Buffer.from(line))}`)).split(' ');
      assert.equal(replies.pop(), 'OK');
      return replies.map((reply) => Buffer.from(reply.slice(1), 'hex').toString()).join('');
    };
    assert.match(await monitor('info registers'), /^CPU#0\n pc {7}0000000000001000\n/);
    assert.match(await monitor('info registers'), / x31\/t6   0{16}\n f0\/ft0 .* f31\/ft11 0{16}\n$/s);
    assert.match(await monitor('info mtree'), /0000000080000000-00000000800fffff \(prio 0, ram\)/);
    assert.match(await monitor('info registers'), / x31\/t6   0{16}\n f0\/ft0 .* f31\/ft11 0{16}\n$/s);
    assert.match(await monitor('info mtree'), /0000000030000000-000000003fffffff \(prio 0, i\/o\): pcie-mmcfg-mmio/);
    assert.match(await monitor('info mem'), /^No translation/);
    assert.match(await monitor('help'), /xp \/fmt addr/);
    assert.match(await monitor('constructor'), /unknown command/);
    await client.ask(`M${COUNTER.toString(16)},4:78563412`);
    assert.equal(await monitor(`xp /1wx 0x${COUNTER.toString(16)}`), '0000000080008000: 0x12345678\n');
    assert.match(await monitor('xp /8gx 0x800ffff8'), /00000000800ffff8: Cannot access memory/);
    await monitor('system_reset');
    assert.equal(await counter(client), 0);
    await monitor('quit');
    assert.ok(client.target.hasQuit);
  });

  it('lets the machine go when the client does', async () => {
    const client = await connected();
    await client.ask(`Z0,${at('count')},4`);
    assert.equal(await client.ask('D;1'), 'OK');
    assert.ok(client.closed && client.target.running);
    await client.settle(1000);
    assert.ok(client.target.running, 'a breakpoint was left');
  });

  it('neither fails nor hangs, whatever a client sends', async () => {
    const random = new Random(11);
    const starts = [
      ...['?', 'qSupported:', 'QStartNoAckMode', 'qXfer:features:read:', 'qC', 'qsThreadInfo', 'qThreadExtraInfo,'],
      ...['qRcmd,', 'Qqemu.PhyMemMode:', 'g', 'G', 'p', 'P', 'm', 'M', 'X', 'H', 'T', 'Z', 'z', 'vCont;', 'vCont?'],
      ...['c', 's', 'C05;', 'bs', 'bc', '', 'v', 'q'],
    ];
    const pieces = [
      ...['0', '1', 'ffffffffffffffff', '80000000', '80008000', ',', ':', ';', '=', '-1', 'p1.1', 'p0.0', 'p-1.-1'],
      ...['s:1', 'c:2', '\0', 'target.xml', 'riscv-csr.xml', '4,', '2,', '78', '696e666f206d656d', at('count'), 'Hg'],
    ];
    let client = await connected(2);
    for (let round = 0; round < 4000; round++) {
      if (client.closed) client = await connected(2);
      let text = random.pick(starts);
      for (let length = random.below(6); length > 0; length--) text += random.pick(pieces);
      const packet = textOf(packetOf(text));
      client.send(random.chance(5) ? packet.slice(0, random.below(packet.length)) : packet);
      if (random.chance(5)) client.send('\x03');
      await client.settle(2000);
      assert.ok(client.replies.every((reply) => reply.length <= 0x4000));
      client.replies.length = 0;
    }
    if (client.target.running) client.send('\x03');
    assert.equal((await client.ask('?')).slice(0, 1), 'T');
  });
});
