/** A recording of a session, opened by another one as if on another computer: the same instant, its past, and a future from there. */
import { strict as assert } from 'node:assert';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { decodeRun, encodeRun, type RecordedRun } from '../../../emulator/history/recorded-run';
import { DISK, KERNEL, kernelFromElsewhere, SAMPLE, sessions, TestSession, type Stop } from '../support';

/** Where the innermost frame of a thread is, and its registers. */
async function state(session: TestSession, { threadId }: Stop): Promise<string> {
  const [frame] = await session.stack(threadId);
  const registers = await session.scope('Registers', threadId);
  return [threadId, frame!.name, frame!.line, ...registers.map(({ name, value }) => `${name} = ${value}`)].join('\n');
}

async function saved(session: TestSession, sources = false): Promise<Uint8Array> {
  const { base64 } = await session.ask('xv6.record', { sources });
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}

describe('a recording', function () {
  this.timeout(120_000);
  const current = sessions();
  let reader: TestSession;
  let file: string;

  beforeEach(async () => {
    reader = await TestSession.open();
    file = join(reader.folder, 'run.xv6run');
  });
  afterEach(() => reader.stop());

  async function open(bytes: Uint8Array, attributes: object = {}): Promise<Stop> {
    writeFileSync(file, bytes);
    const initialized = reader.waitForEvent('initialized');
    await reader.launchRequest({ recording: file, ...attributes } as object);
    await initialized;
    await reader.configurationDoneRequest();
    return reader.stopped();
  }

  /** A session in the middle of a command, under a kernel whose sources are known only by their last parts. */
  async function record(sources = false, back = 0): Promise<{ bytes: Uint8Array; state: string }> {
    const session = current();
    const kernel = kernelFromElsewhere(session.folder);
    mkdirSync(join(session.folder, 'build', 'user'));
    for (const name of readdirSync(join(SAMPLE, 'prebuilt', 'user')))
      cpSync(join(SAMPLE, 'prebuilt', 'user', name), join(session.folder, 'build', 'user', name));
    await session.boot({ kernel, cwd: SAMPLE, harts: 3 });
    await session.written('$ ');
    await session.type('echo hello');
    await session.written('hello\n$ ');
    await session.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'sys_exec' }] });
    await session.type('wc README');
    let stop = await session.stopped();
    // The run ends with what the debugger wrote last.
    await session.customRequest('setExpression', { expression: '$t6', value: '7' });
    for (let i = 0; i < back; i++) {
      await session.customRequest('reverseContinue', { threadId: stop.threadId });
      stop = await session.stopped();
    }
    return { bytes: await saved(session, sources), state: await state(session, stop) };
  }

  it('opens where it was made, has its past, and lives on from its end', async () => {
    const { bytes, state: there } = await record();
    const stop = await open(bytes, { cwd: SAMPLE });
    assert.deepEqual([stop.reason, stop.description], ['entry', 'Opened recording']);
    assert.equal(await state(reader, stop), there);
    assert.match(reader.console, /hello\n\$ wc README\n$/);
    // User programs are in it.
    const { modules } = (await reader.customRequest('modules', {})).body as { modules: { name: string }[] };
    assert.ok(modules.some(({ name }) => name === 'wc'));

    await reader.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'sys_exec' }] });
    await reader.customRequest('reverseContinue', { threadId: stop.threadId });
    assert.match((await reader.stopped()).description!, /before the present$/);
    await assert.rejects(reader.type('x'), /This is the past/);
    await reader.customRequest('reverseContinue', { threadId: 1 });
    await reader.stopped();
    await reader.setFunctionBreakpointsRequest({ breakpoints: [] });
    await reader.customRequest('reverseContinue', { threadId: 1 });
    assert.match((await reader.stopped()).description!, /^Paused where the run begins/);
    await reader.ask('xv6.goTo', { instant: 'present' });
    assert.equal(await state(reader, { ...stop, ...(await reader.stopped()), threadId: stop.threadId! }), there);

    const from = reader.console.length;
    await reader.continueRequest({ threadId: 1 });
    await reader.written('README\n$ ', from);
    await reader.written('again\n$ ', await reader.type('echo again > new; cat new'));
    // The guest's disk is in memory only.
    assert.deepEqual(readdirSync(reader.folder), ['run.xv6run']);
  });

  it('made in the past opens there, with the present after it', async () => {
    const { bytes, state: there } = await record(false, 1);
    const stop = await open(bytes);
    assert.match(stop.description!, /^Opened recording, (less than 1|[\d.]+) \S+ before the present$/);
    assert.equal(await state(reader, stop), there);
    await reader.ask('xv6.goTo', { instant: 'present' });
    await reader.stopped();
    const shown = new Promise<string>((resolve) =>
      reader.on('xv6.consoleOutput', ({ body }: { body: { text: string } }) => resolve(body.text)),
    );
    const { text } = await reader.ask('xv6.attachConsole', {});
    assert.match(text || (await shown), /hello\n\$ wc README\n$/);
  });

  it('has its sources from the workspace, where they are the same, else from the file, or a word of what is missing', async () => {
    const { bytes } = await record(true);
    const without = await decodeRun(bytes);
    const lab = join(reader.folder, 'lab');
    cpSync(join(SAMPLE, 'kernel'), join(lab, 'kernel'), { recursive: true });
    const changed = join(lab, 'kernel', 'sysfile.c');
    writeFileSync(changed, `// changed\n${readFileSync(changed, 'utf8')}`);
    const { threadId } = await open(bytes, { cwd: lab });
    const bySource = async (): Promise<Map<string, { path?: string; sourceReference?: number; origin?: string }>> => {
      const stack = await reader.stack(threadId);
      return new Map(stack.map(({ source }) => [source?.name ?? '', source ?? {}]));
    };
    const found = await bySource();
    assert.equal(found.get('trap.c')?.path, join(lab, 'kernel', 'trap.c'));
    assert.equal(found.get('trap.c')?.sourceReference, undefined);
    const recorded = found.get('sysfile.c')!;
    assert.deepEqual([recorded.path, recorded.origin], ['recording/kernel/sysfile.c', 'from the recording']);
    const { content } = (await reader.sourceRequest({ source: recorded, sourceReference: recorded.sourceReference! }))
      .body;
    assert.equal(content, readFileSync(join(SAMPLE, 'kernel', 'sysfile.c'), 'utf8'));
    const { breakpoints } = (
      await reader.setBreakpointsRequest({
        source: { path: recorded.path! },
        breakpoints: [{ line: (await reader.stack(threadId))[0]!.line }],
      })
    ).body;
    assert.equal(breakpoints[0]!.verified, true);
    assert.doesNotMatch(reader.messages, /other text|neither in the folder/);
    await reader.stop();

    reader = await TestSession.open();
    file = join(reader.folder, 'run.xv6run');
    cpSync(join(SAMPLE, 'kernel', 'trap.c'), join(reader.folder, 'lab', 'kernel', 'trap.c'), { recursive: true });
    writeFileSync(join(reader.folder, 'lab', 'kernel', 'sysfile.c'), '// other\n');
    const small = await encodeRun({ ...without, files: without.files.filter(({ name }) => name.startsWith('user/_')) });
    await open(small, { cwd: join(reader.folder, 'lab') });
    assert.match(
      reader.messages,
      /^bio\.c.* and \d+ other sources: neither in the folder that is open nor in the recording/m,
    );
    assert.match(reader.messages, /kernel\/sysfile\.c: other text here/);
  });

  it('looks for sources nowhere but in the folder that is open', async () => {
    const session = current();
    // This kernel names the sample by its absolute path, where it still is.
    await session.boot({ kernel: KERNEL, functions: ['sys_dup'] });
    await session.stopped();
    await open(await saved(session));
    const [frame] = await reader.stack();
    assert.ok(frame!.source!.sourceReference! > 0, frame!.source!.path);
  });

  it('names no folder, no user and nothing of the environment', async () => {
    const { bytes } = await record(true);
    const { options, files, checkpoints, ...rest } = await decodeRun(bytes);
    assert.ok(files.some(({ name }) => name === 'user/_sh') && files.some(({ name }) => name === 'kernel/sysfile.c'));
    const learned = checkpoints.map((kept) => kept.learned);
    const bytesOrBig = (_: string, value: unknown): unknown =>
      typeof value === 'bigint'
        ? value.toString()
        : value instanceof Uint8Array
          ? Buffer.from(value).toString()
          : value;
    const text = JSON.stringify([rest, learned, files.map(({ name }) => name)], bytesOrBig);
    const user = userInfo().username;
    // A page table has a "root" as well.
    const owned = [current().folder, homedir(), SAMPLE, join(SAMPLE, '..'), 'PATH', ...(user === 'root' ? [] : [user])];
    for (const one of owned) assert.equal(text.includes(one), false, one);
    assert.ok(checkpoints.length > 0 && learned.every((one) => Object.keys(one as object).join() === 'guest,console'));
    assert.deepEqual(options.kernel.length, readFileSync(KERNEL).length);
  });

  it('that is damaged, forged, of another version or none is refused, and so is a machine beside it', async () => {
    const { bytes } = await record();
    const refused = async (given: Uint8Array | undefined, message: RegExp, attributes: object = {}): Promise<void> => {
      if (given) writeFileSync(file, given);
      await assert.rejects(reader.launchRequest({ recording: file, ...attributes } as object), message);
    };
    await refused(undefined, /run\.xv6run.*there is no such file.*Correct "recording" in launch\.json/);
    await refused(bytes.subarray(0, bytes.length / 2), /run\.xv6run is damaged/);
    await refused(Buffer.from('hello'), /is no recording of a run/);
    const other = Buffer.from(bytes);
    other[20] = '1'.charCodeAt(0);
    await refused(other, /another version of the machine/);
    await refused(bytes, /"kernel" in the launch configuration cannot go with "recording"/, { kernel: KERNEL });
    await refused(bytes, /"disk" in the launch configuration cannot go with "recording"/, { disk: DISK });
    await refused(bytes, /"recording" in the launch configuration is 7/, { recording: 7 });
    const run = await decodeRun(bytes);
    const forged = async (change: Partial<RecordedRun>): Promise<Uint8Array> => encodeRun({ ...run, ...change });
    const [first] = run.checkpoints;
    await refused(
      await forged({ checkpoints: [{ ...first!, executed: first!.executed + 1 }] }),
      /is damaged: a checkpoint/,
    );
    await refused(await forged({ checkpoints: [{ ...first!, learned: { guest: 7, console: 7 } }] }), /is damaged: /);
    await refused(await forged({ notes: { sources: 7 } }), /is damaged: /);
    await refused(await forged({ hash: '0123456789abcdef' }), /is damaged: its run comes to another end/);
    await refused(await forged({ options: { ...run.options, kernel: new Uint8Array(100) }, checkpoints: [] }), /ELF/);
    // After all that the file itself is opened.
    await open(bytes);
  });
});
