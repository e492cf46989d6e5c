import { strict as assert } from 'node:assert';
import * as C from '../expressions/types';
import type { EnumType } from '../symbols/api';
import { arrayOf, struct } from '../testing/program';
import { guestKernel } from '../testing/xv6-kernel';
import { channelName } from './channel';
import { openXv6 } from './kernel';
import { openFiles } from './open-files';
import { processes } from './processes';

const [FILES, INODE, PIPE, DEVSW] = [0x8001f000n, 0x8001f400n, 0x8001f500n, 0x8001f610n];
const TYPES: EnumType = {
  ...{ kind: 'enum', name: undefined, size: 4, signed: false },
  values: ['FD_NONE', 'FD_PIPE', 'FD_INODE', 'FD_DEVICE'].map((name, value) => ({ name, value: BigInt(value) })),
};
const pipe = struct('pipe', { data: arrayOf(C.CHAR, 16), nread: C.UNSIGNED, nwrite: C.UNSIGNED });
const inode = struct('inode', { inum: C.UNSIGNED, type: C.SHORT, size: C.UNSIGNED });
const file = struct('file', {
  ...{ type: TYPES, ref: C.INT, readable: C.CHAR, writable: C.CHAR },
  ...{ pipe: C.pointerTo(pipe), ip: C.pointerTo(inode), off: C.UNSIGNED, major: C.SHORT },
});

/** pid 3 has one file open, with these members. */
function setUp(members: Record<string, bigint>, more: Record<string, bigint> = {}) {
  const { program, set, proc } = guestKernel({ more: { ofile: arrayOf(C.pointerTo(file), 4) } });
  const put = (record: typeof file, address: bigint, values: Record<string, bigint>): void => {
    for (const [name, value] of Object.entries(values)) {
      const { member, offset } = C.findMember(record, name)!;
      program.poke(address + BigInt(offset), value, C.sizeOf(member.type));
    }
  };
  put(file, FILES, members);
  put(inode, INODE, { inum: 5n, type: 2n, size: 120n, ...more });
  program.addFunction('consoleread', 0x80000700n, 0x80000740n, undefined);
  program.addGlobal(
    'devsw',
    arrayOf(struct('devsw', { read: C.pointerTo(C.VOID), write: C.pointerTo(C.VOID) }), 2),
    DEVSW,
  );
  for (const index of [-1n, 1n, 2n]) program.poke(DEVSW + 16n * index, 0x80000700n);
  const xv6 = openXv6(program, program.read);
  const sh = processes(xv6)[1]!;
  program.poke(sh.address + BigInt(C.findMember(proc, 'ofile')!.offset + 8), FILES);
  const described = () => openFiles(xv6, sh).map(({ fd, description }) => `${fd}: ${description}`);
  return { xv6, set, described, put };
}

describe('the open files of a process', () => {
  const [PIPES, INODES, DEVICES] = [1n, 2n, 3n];
  const of = (members: Record<string, bigint>, more?: Record<string, bigint>): string[] =>
    setUp(members, more).described();

  it('are pipes, by the ends that it may use', () => {
    const end = (access: Record<string, bigint>): string[] => of({ type: PIPES, pipe: PIPE, ...access });
    assert.deepEqual(end({ readable: 1n }), ['1: pipe at 0x8001f500, read end']);
    assert.deepEqual(end({ writable: 1n }), ['1: pipe at 0x8001f500, write end']);
    assert.deepEqual(end({}), ['1: pipe at 0x8001f500']);
  });

  it('are files and directories, with what may be done', () => {
    const opened = { type: INODES, ip: INODE, off: 7n, readable: 1n };
    assert.deepEqual(of(opened), ['1: inode 5 (file, 120 bytes) at offset 7, read']);
    assert.deepEqual(of({ ...opened, writable: 1n }, { type: 1n }), [
      '1: inode 5 (directory, 120 bytes) at offset 7, read and write',
    ]);
    assert.deepEqual(of(opened, { type: 9n }), ['1: inode 5 (120 bytes) at offset 7, read']);
    assert.deepEqual(of({ ...opened, ip: 0n }), ['1: inode, read'], 'it leads to no inode');
  });

  it('are devices, by the name of the driver that the table has for them, and by none beside the table', () => {
    const device = (major: bigint): string[] => of({ type: DEVICES, major, readable: 1n });
    assert.deepEqual(device(1n), ['1: device 1 (console), read']);
    assert.deepEqual(device(0n), ['1: device 0, read']);
    assert.deepEqual(device(2n), ['1: device 2, read']);
    assert.deepEqual(device(-1n), ['1: device -1, read']);
  });

  it('give a channel in a pipe its name, while a process has it open', () => {
    const { xv6, set, put } = setUp({ type: PIPES, pipe: PIPE });
    const nread = PIPE + BigInt(C.findMember(pipe, 'nread')!.offset);
    assert.equal(channelName(xv6, nread), 'nread of the pipe at 0x8001f500');
    assert.equal(channelName(xv6, PIPE), 'the pipe at 0x8001f500');
    assert.equal(channelName(xv6, PIPE + BigInt(pipe.size)), '0x8001f518', 'behind it');
    put(file, FILES, { type: INODES });
    assert.equal(channelName(xv6, nread), '0x8001f510', 'what is left in a file that is none');
    put(file, FILES, { type: PIPES });
    set(2, { state: 0n });
    assert.equal(channelName(xv6, nread), '0x8001f510', 'a process that is gone');
  });
});
