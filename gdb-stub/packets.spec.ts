import assert from 'node:assert/strict';
import { Random } from '../emulator/testing/random';
import { PACKET_SIZE, PacketReader, type Received, bytesOf, packetOf, parseHex, textOf, unhex } from './packets';

const read = (reader: PacketReader, text: string): Received[] => [...reader.read(bytesOf(text))];

describe("gdb's packets", () => {
  it('are taken from a stream in whatever pieces', () => {
    const reader = new PacketReader();
    const stream = `+$g#67-\x03noise${textOf(packetOf('m80000000,4'))}+`;
    const whole = read(reader, stream);
    assert.deepEqual(whole, [
      { kind: 'ack' },
      { kind: 'packet', text: 'g' },
      { kind: 'nack' },
      { kind: 'interrupt' },
      { kind: 'packet', text: 'm80000000,4' },
      { kind: 'ack' },
    ]);
    assert.deepEqual(
      [...stream].flatMap((byte) => read(reader, byte)),
      whole,
    );
  });

  it('with a wrong checksum, or none, are damaged; what comes after them is not', () => {
    const reader = new PacketReader();
    assert.deepEqual(read(reader, '$g#68'), [{ kind: 'damaged' }]);
    assert.deepEqual(read(reader, '$g#zz'), [{ kind: 'damaged' }]);
    assert.deepEqual(read(reader, '$m8000$g#67'), [{ kind: 'packet', text: 'g' }]);
    assert.deepEqual(read(reader, '$g#6$g#67'), [{ kind: 'packet', text: 'g' }]);
  });

  it('hold any byte', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const [received] = new PacketReader().read(packetOf(textOf(bytes)));
    assert.deepEqual(received, { kind: 'packet', text: textOf(bytes) });
  });

  it('have a limit, after which nothing is kept', () => {
    const reader = new PacketReader();
    const long = 'm'.repeat(PACKET_SIZE + 1);
    assert.deepEqual(read(reader, textOf(packetOf(long.slice(1)))), [{ kind: 'packet', text: long.slice(1) }]);
    assert.deepEqual(read(reader, textOf(packetOf(long))), [{ kind: 'oversized' }]);
    assert.deepEqual(read(reader, textOf(packetOf('g'))), [{ kind: 'packet', text: 'g' }]);
  });

  it('survive noise: whatever came before, the next whole packet is read', () => {
    const random = new Random(7);
    const reader = new PacketReader();
    for (let round = 0; round < 2000; round++) {
      const noise = Uint8Array.from({ length: random.below(50) }, () => random.below(256));
      [...reader.read(noise)].forEach(({ kind }) => assert.ok(kind.length > 0));
      const received = [...reader.read(packetOf('vCont;c'))].at(-1);
      assert.deepEqual(received, { kind: 'packet', text: 'vCont;c' });
    }
  });

  it('have numbers of at most 64 bits, and bytes in pairs of digits', () => {
    assert.equal(parseHex('fFf'), 0xfffn);
    assert.equal(parseHex(''), undefined);
    assert.equal(parseHex('-1'), undefined);
    assert.equal(parseHex('1'.repeat(17)), undefined);
    assert.deepEqual(unhex('0aFf'), Uint8Array.of(10, 255));
    assert.equal(unhex('0af'), undefined);
    assert.equal(unhex('0g'), undefined);
  });
});
