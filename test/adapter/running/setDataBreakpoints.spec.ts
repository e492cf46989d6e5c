import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { lineOf, sessions, type Stop } from '../support';

type Wanted = Omit<DebugProtocol.DataBreakpoint, 'dataId'> & {
  name: string;
  asAddress?: boolean;
  bytes?: number;
  mode?: string;
};

describe('setDataBreakpoints', function () {
  this.timeout(60_000);
  const session = sessions();

  /** By expression in the innermost frame, or by address. */
  async function watch(...wanted: Wanted[]): Promise<DebugProtocol.Breakpoint[]> {
    const [frame] = await session().stack();
    const breakpoints: DebugProtocol.DataBreakpoint[] = [];
    for (const { name, asAddress, bytes, mode, ...rest } of wanted) {
      const place = {
        name,
        ...(asAddress ? { asAddress } : { frameId: frame!.id }),
        ...(bytes && { bytes }),
        ...(mode && { mode }),
      };
      const { dataId, description } = (await session().dataBreakpointInfoRequest(place)).body;
      assert.notEqual(dataId, null, description);
      breakpoints.push({ dataId: dataId!, ...rest });
    }
    return (await session().setDataBreakpointsRequest({ breakpoints })).body.breakpoints;
  }
  const none = () => session().setDataBreakpointsRequest({ breakpoints: [] });
  async function atEntry(attributes = {}): Promise<void> {
    await session().boot({ stopOnEntry: true, ...attributes });
    await session().stopped();
  }
  /** Stops in a user program: in the shell, after it has read a line. */
  async function inShell(): Promise<void> {
    await session().boot({ lines: [{ file: 'user/sh.c', lines: [lineOf('user/sh.c', /^  at = line;/)] }] });
    await session().written('$ ');
    await session().type('echo 1');
    await session().stopped();
    await session().setLines('user/sh.c');
  }

  it('stops behind the store that changed the value, with both values and who did it', async () => {
    await atEntry();
    const [set] = await watch({ name: 'proc[0].state' });
    assert.equal(set!.verified, true);
    const seen: Stop[] = [];
    for (let stops = 0; stops < 3; stops++) seen.push(await session().goOn());
    assert.deepEqual(
      seen.map(({ reason, description, hitBreakpointIds }) => [reason, description, hitBreakpointIds]),
      ['UNUSED → USED', 'USED → RUNNABLE', 'RUNNABLE → RUNNING'].map((change) => [
        'data breakpoint',
        `proc[0].state: ${change}`,
        [set!.id],
      ]),
    );
    assert.match(seen[2]!.text!, /\nby sw \S+ \S+ at 0x8[\da-f]+ \((run|scheduler)\+\d+ at sched\.c:\d+\) on hart 0/);
    assert.equal(await session().value('proc[0].state'), 'RUNNING');
    await none();
    await session().continueRequest({ threadId: 1 });
    await session().written('$ ');
  });

  it('stops at stores that change nothing only if asked to', async () => {
    await atEntry();
    await watch({ name: 'cpus[0].proc', condition: 'every store' });
    const first = await session().goOn();
    assert.match(first.text!, /^cpus\[0\]\.proc: (\S+) → \1 \(the same value stored again\)\n.*\(scheduler/);
    await watch({ name: 'cpus[0].proc' });
    const changed = await session().goOn();
    assert.match(changed.description!, /^cpus\[0\]\.proc: (0x0|0|NULL).* → 0x8/);
    await watch({ name: 'cpus[0].proc', condition: 'every store if $new == 0' });
    assert.match((await session().goOn()).description!, /→ (0x0|0|NULL)/);
  });

  it('stops at reads, and at both', async () => {
    await atEntry();
    await watch({ name: 'initproc', accessType: 'read' });
    assert.match((await session().goOn()).description!, /^initproc: read, 0x8/);
    await watch({ name: 'initproc', accessType: 'readWrite' });
    assert.match((await session().goOn()).description!, /^initproc: read, 0x8/);
  });

  it('asks conditions with the old and the new value, counts hits and logs', async () => {
    await atEntry();
    await watch({ name: 'proc[1].state', condition: 'pid == 1' });
    assert.match((await session().goOn()).text!, /^proc\[1\]\.state: UNUSED → USED\n.*on hart 0 \(pid 1 init\)/);
    await watch({ name: 'proc[1].state', condition: '$old == 4 && $new == SLEEPING' });
    assert.equal((await session().goOn()).description, 'proc[1].state: RUNNING → SLEEPING');
    // The first change is to RUNNABLE, the second to RUNNING, the third from that.
    await watch({ name: 'proc[1].state', hitCondition: '3' });
    assert.match((await session().goOn()).description!, /^proc\[1\]\.state: RUNNING → /);
    const [frame] = await session().stack();
    const { dataId } = (await session().dataBreakpointInfoRequest({ name: 'proc[1].state', frameId: frame!.id })).body;
    const logged = { dataId: dataId!, logMessage: 'from {$old} to {proc[1].state}' };
    await session().setDataBreakpointsRequest({ breakpoints: [logged] });
    await session().continueRequest({ threadId: 1 });
    await session().written('$ ');
    assert.match(session().messages, /from 0x3 to RUNNING\n/);
  });

  it('stops once where a condition fails, and never is silent about one that cannot be understood', async () => {
    await atEntry();
    await watch({ name: 'proc[0].state', condition: '*(int *)1 == 2' });
    const stop = await session().goOn();
    assert.match(stop.description!, /condition .* failed: .*does not stop for this again/);
    await session().continueRequest({ threadId: 1 });
    await session().written('$ ');
    await session().pauseRequest({ threadId: 1 });
    await session().stopped();
    const [wrong] = await watch({ name: 'proc[0].state', condition: '1 +' });
    assert.equal(wrong!.verified, false);
    assert.match(wrong!.message!, /The condition "1 \+" is not valid/);
  });

  it('catches a write to a physical word through any mapping', async () => {
    // c is on the shell's stack: for read(), the kernel writes it through its own mapping of the page.
    const line = lineOf('user/ulib.c', /if \(c == '\\n'\)/);
    await session().boot({ lines: [{ file: 'user/ulib.c', lines: [line] }] });
    await session().written('$ ');
    await session().type('ls');
    await session().stopped();
    await session().setLines('user/ulib.c');
    const [set] = await watch({ name: 'c' });
    const stop = await session().goOn();
    assert.deepEqual(stop.hitBreakpointIds, [set!.id]);
    assert.match(stop.description!, /^c: .*'l' → .*'s'/);
    assert.match(stop.text!, /\(pid 2 sh\), by the address 0x8[\da-f]+ \(physical 0x8[\da-f]+\)/);
    assert.match((await session().places())[0]!, /kernel\/(copy|string)\.c/);
  });

  it('heeds of other programs nothing that they do by the same address', async () => {
    await inShell();
    const [argument] = await watch({ name: '*line', accessType: 'readWrite' });
    // The shell itself changes the line when it parses it, at the line's own address.
    const stop = await session().goOn();
    assert.deepEqual(stop.hitBreakpointIds, [argument!.id]);
    assert.doesNotMatch(stop.text!, /by the address/);
    assert.match(stop.text!, /on hart 0 \(pid 2 sh\)/);
  });

  it('names a device that writes, and a page-table walk', async () => {
    await atEntry();
    await watch({ name: 'bcache.buf[0].data', bytes: 1024 });
    const stop = await session().goOn();
    assert.match(stop.text!, /\nby virtio0 \(DMA\)/);
    assert.equal(stop.threadId, 1);
    await none();
    await session().setLines('user/sh.c', lineOf('user/sh.c', /fprintf\(2, "\$ "\)/));
    await session().goOn();
    await session().setLines('user/sh.c');
    // The shell writes this page for the first time after it has read a line.
    await watch({ name: '$pte(line)' });
    await session().continueRequest({ threadId: 1 });
    await session().written('$ ');
    await session().type('ls');
    assert.match((await session().stopped()).text!, /\nby the page-table walk \(A or D\) for .*\(pid 2 sh\)/);
  });

  it('keeps the breakpoints over a restart, and says which are nowhere', async () => {
    await atEntry();
    const set = (
      await session().setDataBreakpointsRequest({
        breakpoints: [
          { dataId: 'global proc[0].state' },
          { dataId: 'fix phys:0x80000000+4' },
          { dataId: 'what is this' },
          { dataId: 'follow user:77:0x1000+4 gone' },
        ],
      })
    ).body.breakpoints;
    assert.deepEqual(
      set.map(({ verified }) => verified),
      [true, true, false, false],
    );
    assert.match(set[2]!.message!, /no data id/);
    assert.match(set[3]!.message!, /no process with pid 77/);
    await session().customRequest('restart', {});
    await session().stopped();
    assert.equal((await session().goOn()).description, 'proc[0].state: UNUSED → USED');
  });
});
