/**
 * For tests: a guest with a driver for the e1000. It says to the gateway who it is, sends "hello" to a port of the host, waits for
 * interrupts, prints each datagram that comes, and answers it with another hello; one that ends with a full stop powers off.
 */
import { GATEWAY } from '../../network/addresses';
import { Csr } from '../../isa/csrs';
import { Assembler } from '../assembler';
import { elf } from '../elf';
import { R } from '../encode';
import { arpReply, udpFrame } from './guest-packets';

const [CARD, ECAM, PLIC, UART, FINISHER] = [0x40000000, 0x30008000, 0x0c000000, 0x10000000, 0x100000];
const [TX_RING, RX_RING, BUFFERS] = [0x80010000, 0x80011000, 0x80020000];
const IRQ = 33;
/** Where the guest sends from, and of the frames' fields what it reads. */
export const GUEST_PORT = 2000;
const [TYPE, PROTOCOL, UDP_LENGTH, CONTENT] = [12, 23, 38, 42];

/** `port`: of the host. */
export function networkGuest(port: number): Uint8Array {
  const a = new Assembler();
  const store = (base: number, offset: number, value: number): void =>
    void a
      .li(R.t0, base + offset)
      .li(R.t1, value)
      .op('sw', { rs1: R.t0, rs2: R.t1 });
  store(ECAM, 0x10, CARD);
  store(ECAM, 0x04, 7);
  const frames = [arpReply(), udpFrame(GUEST_PORT, { address: GATEWAY, port }, 'hello')];
  for (let index = 0; index < 8; index++) {
    const which = index === 0 ? 0 : 1;
    a.la(R.t1, `frame ${which}`).li(R.t0, TX_RING + 16 * index);
    a.op('sd', { rs1: R.t0, rs2: R.t1 });
    store(TX_RING + 16 * index, 8, 0x0900_0000 + frames[which]!.length);
    store(RX_RING + 16 * index, 0, BUFFERS + 0x800 * index);
    store(RX_RING + 16 * index, 4, 0);
  }
  const registers = [
    ...[
      [0x3800, TX_RING],
      [0x3808, 128],
      [0x400, 2],
      [0x2800, RX_RING],
      [0x2808, 128],
      [0x2818, 7],
    ],
    ...[
      [0x100, 0x0400_8002],
      [0xd0, 0x80],
      [0x3818, 2],
    ],
  ] as const;
  store(PLIC, 4 * IRQ, 1);
  store(PLIC, 0x2004, 1 << (IRQ - 32));
  a.li(R.t0, 0x800).op('csrrw', { rs1: R.t0, imm: Csr.mie });
  for (const [register, value] of registers) store(CARD, register, value);
  a.li(R.s0, CARD)
    .li(R.s1, UART)
    .li(R.s2, 0)
    .li(R.s3, PLIC + 0x200000)
    .li(R.s4, 2)
    .li(R.s5, 0x2e);

  a.label('wait').op('wfi').op('lw', { rd: R.s6, rs1: R.s3, imm: 4 }).op('lw', { rs1: R.s0, rd: R.t0, imm: 0xc0 });
  a.label('next');
  a.op('slli', { rd: R.a0, rs1: R.s2, imm: 4 }).li(R.t0, RX_RING).op('add', { rd: R.a0, rs1: R.a0, rs2: R.t0 });
  a.op('lbu', { rd: R.t0, rs1: R.a0, imm: 12 }).to('complete', 'beq', { rs1: R.t0 });
  a.op('sb', { rs1: R.a0, imm: 12 }).op('ld', { rd: R.a1, rs1: R.a0 });
  a.op('lbu', { rd: R.t0, rs1: R.a1, imm: TYPE + 1 }).to('recycle', 'bne', { rs1: R.t0 });
  a.op('lbu', { rd: R.t0, rs1: R.a1, imm: PROTOCOL }).li(R.t1, 17).to('recycle', 'bne', { rs1: R.t0, rs2: R.t1 });
  a.op('lbu', { rd: R.a2, rs1: R.a1, imm: UDP_LENGTH + 1 }).op('addi', { rd: R.a2, rs1: R.a2, imm: -8 });
  a.op('addi', { rd: R.a1, rs1: R.a1, imm: CONTENT });
  a.label('print').op('lbu', { rd: R.t0, rs1: R.a1 }).op('sb', { rs1: R.s1, rs2: R.t0 });
  a.op('addi', { rd: R.a1, rs1: R.a1, imm: 1 }).op('addi', { rd: R.a2, rs1: R.a2, imm: -1 });
  a.to('print', 'bne', { rs1: R.a2 }).to('off', 'beq', { rs1: R.t0, rs2: R.s5 });
  a.op('addi', { rd: R.s4, rs1: R.s4, imm: 1 }).op('andi', { rd: R.s4, rs1: R.s4, imm: 7 });
  // What was sent last time around in the first descriptor is no hello, so one more is sent.
  a.li(R.t0, 1).to('send', 'bne', { rs1: R.s4, rs2: R.t0 }).op('addi', { rd: R.s4, rs1: R.s4, imm: 1 });
  a.label('send');
  a.li(R.t0, CARD + 0x3818).op('sw', { rs1: R.t0, rs2: R.s4 });
  a.label('recycle')
    .li(R.t0, CARD + 0x2818)
    .op('sw', { rs1: R.t0, rs2: R.s2 });
  a.op('addi', { rd: R.s2, rs1: R.s2, imm: 1 }).op('andi', { rd: R.s2, rs1: R.s2, imm: 7 }).to('next', 'jal');
  a.label('complete').op('sw', { rs1: R.s3, rs2: R.s6, imm: 4 }).to('wait', 'jal');
  a.label('off');
  store(FINISHER, 0, 0x5555);
  a.label('spin').to('spin', 'jal');
  frames.forEach((frame, index) => {
    a.align(8).label(`frame ${index}`);
    for (let at = 0; at < frame.length; at += 2) a.half(frame[at]! + (frame[at + 1] ?? 0) * 256);
  });
  return elf(a.image(), { memorySize: 0x40000 });
}
