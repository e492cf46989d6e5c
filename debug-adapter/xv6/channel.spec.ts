import { strict as assert } from 'node:assert';
import * as C from '../expressions/types';
import { arrayOf, struct } from '../testing/program';
import { channelName, holderOf, pathTo } from './channel';
import { openXv6 } from './kernel';
import { guestKernel, PROC } from '../testing/xv6-kernel';

describe('the name of a channel', () => {
  const lock = struct('spinlock', { locked: C.INT, cpu: C.pointerTo(C.VOID) });
  const sleeplock = struct('sleeplock', { locked: C.INT, lk: lock });
  const buf = struct('buf', { valid: C.INT, lock: sleeplock, data: arrayOf(C.CHAR, 8) });
  const bcache = struct('bcache', { lock, buf: arrayOf(buf, 4) });

  it('is the way to what begins there, the outermost of those that do', () => {
    const at = (name: string): number => C.findMember(buf, name)!.offset;
    const start = C.findMember(bcache, 'buf')!.offset;
    assert.equal(pathTo(bcache, 0), '');
    assert.equal(pathTo(bcache, start), '.buf[0]');
    assert.equal(pathTo(bcache, start + 3 * buf.size + at('lock')), '.buf[3].lock');
    assert.equal(pathTo(bcache, start + 3 * buf.size + at('data') + 2), '.buf[3].data[2]');
    assert.equal(pathTo(arrayOf(C.CHAR, 8), 0), '[0]');
    assert.equal(pathTo(bcache, 1), undefined);
    assert.equal(pathTo(bcache, start + 4 * buf.size), undefined);
  });

  it('of a scalar is the way to it', () => {
    const at = C.findMember(bcache, 'buf')!.offset + C.findMember(buf, 'lock')!.offset;
    assert.equal(pathTo(bcache, 0, true), '.lock.locked');
    assert.equal(pathTo(bcache, at, true), '.buf[0].lock.locked');
    assert.equal(pathTo(struct('empty', {}), 0, true), undefined);
  });

  it('of a process is its slot and who waits there', () => {
    const { program, proc } = guestKernel();
    const xv6 = openXv6(program, program.read);
    assert.equal(channelName(xv6, PROC), '&proc[0], the wait channel of pid 1');
    assert.equal(channelName(xv6, PROC + BigInt(proc.size)), '&proc[1]');
  });

  it('of other data is the variable, and how far in it is where nothing begins there; behind it nothing is known', () => {
    const { program } = guestKernel();
    program.addGlobal('ticks', C.INT, 0x8001f000n);
    program.addSymbol('kmem', 0x8001f010n, 32n, 'object');
    program.addFunction('trap', 0x8001f100n, 0x8001f140n, undefined);
    const name = (address: bigint): string => channelName(openXv6(program, program.read), address);
    assert.equal(name(0x8001f000n), '&ticks');
    assert.equal(name(0x8001f002n), '&ticks + 2');
    assert.equal(name(0x8001f004n), '0x8001f004');
    assert.deepEqual([name(0x8001f010n), name(0x8001f028n)], ['&kmem', '&kmem + 24']);
    assert.equal(name(0x8001f100n), '0x8001f100', 'code');
  });

  it('of a slot that no process has is the slot alone, and within a process its member', () => {
    const { program, proc, set } = guestKernel();
    const xv6 = openXv6(program, program.read);
    set(0, { state: 0n });
    assert.equal(channelName(xv6, PROC), '&proc[0]');
    assert.equal(channelName(xv6, PROC + BigInt(C.findMember(proc, 'chan')!.offset)), '&proc[0].chan');
  });

  it('is the address where nothing is known', () => {
    const { program } = guestKernel();
    assert.equal(channelName(openXv6(program, program.read), 0x87f12340n), '0x87f12340');
  });
});

describe('the holder of the lock that is slept on', () => {
  const spinlock = struct('spinlock', { locked: C.INT, cpu: C.pointerTo(C.VOID) });
  const sleeplock = struct('sleeplock', { locked: C.INT, lk: spinlock, pid: C.INT });
  const inode = struct('inode', { ref: C.INT, lock: sleeplock });
  const TABLE = 0x8001f000n;
  const { program } = guestKernel();
  program.addGlobal('inodes', arrayOf(inode, 4), TABLE);
  const xv6 = openXv6(program, program.read);
  const lock = TABLE + BigInt(2 * inode.size + C.findMember(inode, 'lock')!.offset);
  const member = (name: string): bigint => lock + BigInt(C.findMember(sleeplock, name)!.offset);

  it('is the process that the lock names, while it is locked', () => {
    program.poke(member('locked'), 0n, 4);
    program.poke(member('pid'), 7n, 4);
    assert.equal(holderOf(xv6, lock), undefined);
    program.poke(member('locked'), 1n, 4);
    assert.equal(holderOf(xv6, lock), 7);
  });

  it('is not known of what is no such lock', () => {
    program.poke(member('locked'), 1n, 4);
    program.poke(member('lk'), 1n, 4);
    assert.equal(holderOf(xv6, member('lk')), undefined, 'a spin lock names no process');
    assert.equal(holderOf(xv6, TABLE), undefined, 'an inode');
    assert.equal(holderOf(xv6, PROC), undefined, 'a process has a pid');
    assert.equal(holderOf(xv6, 0x87f12340n), undefined);
    program.poke(member('pid'), 0n, 4);
    assert.equal(holderOf(xv6, lock), undefined, 'no process');
  });

  it('is not known where something else begins with the lock', () => {
    const first = struct('buf', { lock: sleeplock, data: C.INT });
    const other = guestKernel().program;
    other.addGlobal('buf', first, TABLE);
    other.poke(TABLE, 1n, 4);
    other.poke(TABLE + BigInt(C.findMember(sleeplock, 'pid')!.offset), 7n, 4);
    assert.equal(holderOf(openXv6(other, other.read), TABLE), undefined);
  });
});
