import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { kernelWithBug, sessions, type TestSession } from '../support';

async function info(session: TestSession, threadId = 1): Promise<{ exceptionId: string; description?: string }> {
  const { body } = await session.customRequest('exceptionInfo', { threadId });
  return body as { exceptionId: string; description?: string };
}

describe('setExceptionBreakpoints', function () {
  this.timeout(60_000);
  const session = sessions();

  it('are declared, each with a condition', async () => {
    const { body } = await session().initializeRequest();
    assert.deepEqual(
      body?.exceptionBreakpointFilters?.map(({ filter, supportsCondition }) => [filter, supportsCondition]),
      [
        ...['page-fault', 'kernel-trap', 'unresolved', 'system-call', 'interrupt', 'satp-write', 'pte-store', 'sfence'],
        'stale-translation',
        ...['panic', 'context-switch', 'process-create', 'process-exec', 'process-exit'],
        ...['page-freed-twice', 'page-freed-mapped', 'page-freed-table', 'page-freed-root', 'page-freed-foreign'],
        ...['foreign', 'code', 'superpage', 'beyond', 'shared'].map((rule) => `page-entry-${rule}`),
        ...['page-reference-count', 'page-written-shared', 'page-lost', 'page-used-freed'],
        'device-access',
      ].map((filter) => [filter, true]),
    );
    assert.ok(body?.exceptionBreakpointFilters?.every(({ conditionDescription }) => conditionDescription));
  });

  it('satp write: stops behind the instruction, and says from what to what', async () => {
    await session().boot({ filters: ['satp-write'] });
    const stop = await session().stopped();
    assert.equal(stop.reason, 'exception');
    assert.match((await session().places())[0]!, /^start kernel\/start\.c/);
    await session().goOn();
    assert.match((await session().places())[0]!, /^kvminithart kernel\/vm\.c/);
    const { exceptionId, description } = await info(session());
    assert.equal(exceptionId, 'satp write');
    assert.match(
      description!,
      /satp was Bare.*; it is now Sv39, ASID 0, root 0x8[0-9a-f]{7}\nby the instruction at .*\(kvminithart\+\d+ at vm\.c:\d+\)/,
    );
    assert.match(await session().value('$satp'), /^Sv39/);
  });

  it('satp write with a condition on the value before', async () => {
    await session().boot({ filters: [{ filterId: 'satp-write', condition: '$before != 0 && $before != $satp' }] });
    await session().stopped();
    assert.match((await session().places())[0]!, /^userret/);
  });

  it('system call: by number, at the ecall', async () => {
    await session().boot({ filters: [{ filterId: 'system-call', condition: '$a7 == 16' }] });
    const stop = await session().stopped();
    assert.match(stop.description ?? '', /system call from user mode.*16, write/);
    assert.match((await session().places())[0]!, /^write user\/usys\.S:\d+$/);
    assert.equal(await session().value('proc[0].pid'), '1', 'the kernel can be read from here');
    const rows = await session().scope('Trap about to be taken');
    assert.equal(rows.find(({ name }) => name === 'cause')!.value, '8 (system call from user mode)');
    await session().setFilters();
    await session().continueRequest({ threadId: 1 });
    await session().written('$ ');
  });

  it('system call: by name', async () => {
    await session().boot({ filters: [{ filterId: 'system-call', condition: 'exec, sys_dup' }] });
    assert.match((await session().stopped()).description ?? '', /, (exec|dup)$/);
    const [wrong] = await session().setFilters({ filterId: 'system-call', condition: 'raed' });
    assert.equal(wrong!.verified, false);
    assert.match(wrong!.message ?? '', /no system call "raed"; there are .*\bread\b/);
  });

  it('interrupt: by its source', async () => {
    await session().boot();
    await session().written('$ ');
    await session().setFilters({ filterId: 'interrupt', condition: 'uart' });
    await session().type('x');
    const key = await session().stopped();
    assert.match(key.description ?? '', /external interrupt.*the UART \(source 10\)/);
    await session().setFilters({ filterId: 'interrupt', condition: 'timer' });
    for (let stops = 0; stops < 2; stops++) assert.match((await session().goOn()).description ?? '', /timer interrupt/);
    await session().setFilters({ filterId: 'interrupt', condition: '$scause == 9 && hart == 1' });
    await session().continueRequest({ threadId: 1 });
    await session().type('');
    await session().written('cannot run x');
  });

  it('page-table store: in tables that no hart has loaded yet, too', async () => {
    await session().boot();
    await session().written('$ ');
    await session().setFilters({ filterId: 'pte-store', condition: 'pid == 2' });
    await session().type('ls');
    const stop = await session().stopped();
    assert.match(stop.description ?? '', /^PTE of 0x[\da-f]+: 0 → 0x[\da-f]+ \(PA 0x8[\da-f]+, V - - - /);
    const { exceptionId, description } = await info(session());
    assert.equal(exceptionId, 'page-table store');
    assert.match(
      description!,
      /^The page-table entry for 0x[\da-f]+ was 0; it is now .*\nentry \d+ of a level-2 table, at physical 0x8[\da-f]+, in a table with its root at .*, which no process has now\nby sd .* \((walk|mappages)\+\d+ at vm\.c:\d+\) on hart 0 \(pid 2 sh\)$/,
    );
    await session().setFilters({
      filterId: 'pte-store',
      condition: '$level == 0 && $va == 0 && $before != 0 && pid == 3',
    });
    assert.match((await session().goOn()).description ?? '', /^PTE of 0x0: 0x[\da-f]+ \(PA .*\) → /);
    await session().setFilters();
    await session().continueRequest({ threadId: 1 });
    await session().written('wc');
  });

  it('sfence.vma: behind it, with its operands', async () => {
    await session().boot({ filters: ['sfence'] });
    assert.equal((await session().stopped()).description, 'sfence.vma for all addresses');
    assert.match((await session().places())[0]!, /^(kvminithart|sfence_vma) kernel/);
    assert.match(
      (await info(session())).description!,
      /in all address spaces\nby sfence\.vma .*\(kvminithart\+\d+ at /,
    );
  });

  it('context switch: from whom to whom', async () => {
    await session().boot({ filters: [{ filterId: 'context-switch', condition: '$to == 2' }] });
    assert.equal((await session().stopped()).description, 'switch: the scheduler → pid 2 init');
    assert.match((await session().places())[0]!, /^swtch kernel\/swtch\.S/);
    await session().setFilters({ filterId: 'context-switch', condition: 'pid == 2 && $from == 2' });
    assert.match((await session().goOn()).description ?? '', /^switch: pid 2 \w+ → the scheduler$/);
  });

  it('processes: where they are made, run a program and end', async () => {
    await session().boot();
    await session().written('$ ');
    await session().setFilters('process-create', 'process-exec', 'process-exit');
    await session().type('echo hello');
    const said: string[] = [];
    for (let stops = 0; stops < 3; stops++) {
      said.push((await session().stopped()).description ?? '');
      await session().continueRequest({ threadId: 1 });
    }
    assert.deepEqual(said, [
      'pid 3 is made by pid 2 sh, on hart 0',
      'pid 3 sh execs "/echo", on hart 0',
      'pid 3 echo exits with status 0, on hart 0',
    ]);
    await session().written('hello\n$ ');
    await session().setFilters(
      { filterId: 'process-exec', condition: 'ls, wc' },
      { filterId: 'process-exit', condition: '$status != 0' },
    );
    await session().type('echo again');
    await session().written('again\n$ ');
    await session().type('cat nothing-of-this-name');
    assert.match((await session().stopped()).description ?? '', /^pid 5 cat exits with status 1/);
  });

  it('device access: by device, read or written', async () => {
    await session().boot();
    await session().written('$ ');
    await session().setFilters({ filterId: 'device-access', condition: 'uart write' });
    await session().type('y');
    const echo = await session().stopped();
    assert.equal(echo.description, 'uart: write of register 0x0 ← 0x79');
    assert.match(
      (await info(session())).description!,
      /^uart: 1-byte write of the register at offset 0x0 ← 0x79\nby sb .* at uart\.c:\d+\)/,
    );
    await session().setFilters({ filterId: 'device-access', condition: 'disk' });
    await session().continueRequest({ threadId: 1 });
    await session().type('ls');
    assert.match((await session().stopped()).description ?? '', /^virtio0: (read|write) of register/);
  });

  it('panic: at its call unless it is switched off', async () => {
    await session().boot({ kernel: kernelWithBug(42), filters: ['satp-write'] });
    await session().stopped();
    await session().setFilters();
    const before = session().console.length;
    await session().continueRequest({ threadId: 1 });
    await session().written('panic: ', before);
    await session().pauseRequest({ threadId: 1 });
    assert.equal((await session().stopped()).reason, 'pause');
  });

  it('takes options as well as filters', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const { body } = await session().setExceptionBreakpointsRequest({
      filters: [],
      exceptionOptions: [
        { path: [{ names: ['sfence'] }], breakMode: 'always' },
        { path: [{ names: ['satp-write'] }], breakMode: 'never' },
      ] satisfies DebugProtocol.ExceptionOptions[],
    });
    assert.equal(body?.breakpoints?.length, 1);
    assert.match((await session().goOn()).description ?? '', /^sfence/);
  });

  it('page fault: with the walk, at a page the kernel may not read', async () => {
    await session().boot({
      kernel: kernelWithBug(11),
      filters: [{ filterId: 'page-fault', condition: 'kernel load' }],
    });
    const stop = await session().stopped();
    assert.match(stop.description ?? '', /load page fault/);
    const { exceptionId, description } = await info(session());
    assert.equal(exceptionId, 'load page fault');
    assert.match(description!, /U=1, mode S, sstatus\.SUM=0/);
    assert.match(
      description!,
      /walk of 0x[0-9a-f]+ from root 0x8[0-9a-f]+:\n {2}level 2 .*\n {2}level 1 .*\n {2}level 0 /,
    );
  });

  it('page fault: a condition that excludes it lets it pass', async () => {
    await session().boot({
      kernel: kernelWithBug(11),
      filters: ['panic', { filterId: 'page-fault', condition: 'fetch' }],
    });
    const stop = await session().stopped();
    assert.match(stop.description ?? '', /^panic: kerneltrap/);
  });

  it('page fault: a condition in C sees stval before the trap is taken', async () => {
    await session().boot({
      kernel: kernelWithBug(11),
      filters: [{ filterId: 'page-fault', condition: '$scause == 13 && $stval > 0' }],
    });
    assert.match((await session().stopped()).description ?? '', /load page fault/);
  });

  it('kernel trap: stops at the first fault, where it happens', async () => {
    await session().boot({ kernel: kernelWithBug(4), filters: ['kernel-trap'] });
    const stop = await session().stopped();
    assert.match(stop.description ?? '', /page fault/);
    assert.match((await info(session())).description!, /guard|not valid|V=0|outside|stack/i);
  });

  it('a wrong condition stops, and says what is wrong with it', async () => {
    await session().boot({ filters: [{ filterId: 'system-call', condition: 'nonsense > 1' }] });
    assert.match((await session().stopped()).description ?? '', /"nonsense > 1" failed.*nonsense/);
  });

  it('a condition that is no expression is not verified', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const answers = await session().setFilters(
      { filterId: 'system-call', condition: '$a7 ==' },
      { filterId: 'kernel-trap', condition: '(uint64)$scause == 13' },
      { filterId: 'page-fault', condition: 'user store' },
    );
    assert.deepEqual(
      answers.map(({ verified }) => verified),
      [false, true, true],
    );
    assert.match(answers[0]!.message ?? '', /"\$a7 ==" is not valid: expression:1:/);
  });

  it('a filter that does not exist is not verified', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const [breakpoint] = await session().setFilters('everything');
    assert.equal(breakpoint!.verified, false);
  });
});
