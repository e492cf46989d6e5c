import { strict as assert } from 'node:assert';
import type { PteRun } from '../../../debug-adapter/protocol';
import { lineOf, sessions } from '../support';

/** All leaves of a tree. */
const leaves = (runs: readonly PteRun[]): PteRun[] =>
  runs.flatMap((run) => (run.children ? leaves(run.children) : [run]));

describe('xv6.pageTable', function () {
  this.timeout(60_000);
  const session = sessions();

  it('says that there is none while paging is off', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const model = await session().ask('xv6.pageTable', {});
    assert.match(model.message ?? '', /Bare/);
    assert.deepEqual(model.entries, []);
  });

  it('shows the kernel table with its regions', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    const model = await session().ask('xv6.pageTable', {});
    assert.equal(model.shown.id, 'satp');
    assert.match(model.shown.label, /satp of hart 0 \(kernel_pagetable\)/);
    assert.deepEqual(
      model.roots.map(({ id }) => id).filter((id) => !id.startsWith('satp:')),
      ['satp', 'kernel', 'pid:1'],
    );
    assert.ok(model.leaves > 30_000);
    const regions = new Set(leaves(model.entries).map(({ region }) => region));
    assert.ok([...regions].some((region) => region?.includes('trampoline')));
    assert.ok([...regions].some((region) => region?.includes('UART')));
    assert.ok(JSON.stringify(model).length < 200_000, 'neighbouring entries are told as one run');
  });

  it('tells the areas of an address space as the figures of the book have them', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    const { areas } = await session().ask('xv6.pageTable', {});
    const boxes = areas.filter(({ flags, region }) => flags !== 0 || region !== undefined);
    assert.deepEqual(
      boxes.map(({ region, repeats }) => (repeats === undefined ? region : `${repeats} × ${region}`)),
      [
        ...['PLIC', 'UART', 'virtio 0', 'kernel text', 'kernel data', 'RAM'],
        ...['64 × kernel stack and guard page below the kernel stack', 'trampoline'],
      ],
    );
    const ram = boxes[5]!;
    assert.deepEqual([ram.last, ram.pa, ram.flags], ['0x87ffffff', ram.va, 7]);
    const user = await session().ask('xv6.pageTable', { root: 'pid:1' });
    assert.deepEqual(
      user.areas.map(({ region, flags }) => `${region ?? ''} ${flags.toString(2)}`),
      [
        ...['user text 11011', 'guard page below the user stack 111', 'user stack 10111', ' 0'],
        ...['trap frame 111', 'trampoline 1011'],
      ],
    );
  });

  it('shows a process, and marks what changed since the stop before', async () => {
    const line = lineOf('kernel/vm.c', /\*pte = PA2PTE\(pa \+ offset\) \| perm \| PTE_V;/);
    await session().boot({ lines: [{ file: 'kernel/vm.c', lines: [line] }] });
    await session().stopped();
    // In kvmmake, which makes the kernel's own table; root is a local variable there.
    await session().setLines('kernel/vm.c');
    await session().setFunctionBreakpointsRequest({ breakpoints: [{ name: 'sys_write' }] });
    await session().goOn();
    const first = await session().ask('xv6.pageTable', { root: 'pid:1' });
    assert.ok(leaves(first.entries).every(({ change }) => change === undefined));
    assert.ok(leaves(first.entries).some(({ region }) => region?.includes('user stack')));
    const table = BigInt(first.shown.root!);
    await session().evaluateRequest({ expression: `((uint64 *)${table})[5] = 0x21fdd807`, context: 'repl' });
    await session().step('next');
    const second = await session().ask('xv6.pageTable', { root: 'pid:1' });
    assert.deepEqual(
      second.entries.filter(({ change }) => change !== undefined).map(({ index, change }) => [index, change]),
      [[5, 'added']],
    );
  });

  it('compares a table with another one, now', async () => {
    await session().boot({ functions: ['sys_exec'] });
    await session().stopped();
    const { compared, entries } = await session().ask('xv6.pageTable', { root: 'pid:2', compare: { root: 'pid:1' } });
    assert.equal(compared, 'pid 1 init');
    const changes = leaves(entries).map(({ va, change, region }) => [va, change, region]);
    assert.deepEqual(changes.at(-1), ['0x3ffffff000', undefined, 'trampoline']);
    assert.deepEqual(changes.at(-2), ['0x3fffffe000', 'changed', 'trap frame']);
    const itself = await session().ask('xv6.pageTable', { root: 'pid:2', compare: {} });
    assert.ok(leaves(itself.entries).every(({ change }) => change === undefined));
    await assert.rejects(session().ask('xv6.pageTable', { compare: { root: 'pid:99' } }), /no page table "pid:99"/);
  });

  it('compares a table with itself at another instant, and stands where it stood', async () => {
    await session().boot({ functions: ['sys_exec'] });
    await session().stopped();
    const before = await session().ask('xv6.pageTable', { root: 'pid:2' });
    const { instants } = await session().ask('xv6.instants', {});
    assert.deepEqual(
      instants.map(({ text }) => text.replace(/, .*/, '')),
      ['The beginning of the past'],
    );
    await session().setFunctionBreakpointsRequest({ breakpoints: [{ name: 'sys_write' }] });
    await session().goOn();
    const later = (await session().ask('xv6.instants', {})).instants;
    assert.match(later[0]!.text, /ago$/);
    const { instant } = later[0]!;
    const pc = await session().value('$pc');
    const then = await session().ask('xv6.pageTable', { root: 'pid:2', compare: { instant } });
    assert.match(then.compared!, /^pid 2 \w+, at .* ms$/);
    const removed = leaves(then.entries).filter(({ change }) => change === 'removed' || change === 'changed');
    assert.ok(removed.length > 0, 'exec has made another table');
    assert.ok(leaves(then.entries).some(({ va, change }) => va === '0x3ffffff000' && change === undefined));
    assert.equal(await session().value('$pc'), pc);
    assert.deepEqual(await session().ask('xv6.pageTable', { root: 'pid:2', compare: { instant } }), then);
    assert.ok(before.leaves > 0);
    await assert.rejects(session().ask('xv6.pageTable', { compare: { instant: 'x' } }), /no such instant/);
    await assert.rejects(
      session().ask('xv6.pageTable', { compare: { instant: '0:999999999999:0' } }),
      /no such instant/,
    );
    const first = later.at(-1)!.instant;
    await assert.rejects(
      session().ask('xv6.pageTable', { root: 'pid:2', compare: { instant: first } }),
      /no page table/,
    );
    assert.equal(await session().value('$pc'), pc);
  });

  it('names the tables there are when one is asked for that is not', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    await assert.rejects(session().ask('xv6.pageTable', { root: 'pid:99' }), /no page table "pid:99".*kernel/);
    await assert.rejects(session().ask('xv6.pageTable', { hart: 7 }), /no hart 7/);
  });

  it('shows a table by its root, by its name if it is known, and also one that is nobody’s', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    const named = await session().ask('xv6.pageTable', { root: 'pid:1' });
    const known = await session().ask('xv6.pageTable', { root: `table:${named.shown.root}` });
    assert.equal(known.shown.label, 'pid 1 init');
    // The table that the first entry of init's root leads to.
    const { pa } = (await session().ask('xv6.translate', { expression: '0', root: 'pid:1' })).translation!.steps[0]!;
    const other = await session().ask('xv6.pageTable', { root: `table:${pa}` });
    assert.deepEqual(other.shown, { id: `table:${pa}`, label: `the table at ${pa}`, root: pa });
    assert.deepEqual(other.roots.at(-1), other.shown);
    assert.ok(other.entries.length > 0);
    const nowhere = await session().ask('xv6.pageTable', { root: 'table:0x50000000' });
    assert.match(nowhere.message ?? '', /lies outside RAM/);
    await assert.rejects(session().ask('xv6.pageTable', { root: 'table:x' }), /no page table "table:x"/);
  });
});

describe('xv6.translate', function () {
  this.timeout(60_000);
  const session = sessions();

  it('walks level by level', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    const { value, translation } = await session().ask('xv6.translate', { expression: '$sp' });
    assert.match(value, /^0x3fffff/);
    assert.equal(translation?.mode, 'S');
    assert.equal(translation?.steps.length, 3);
    assert.deepEqual(translation?.allowed, { load: true, store: true, fetch: false });
    assert.match(translation?.region ?? '', /kernel stack/);
  });

  it('translates by another table', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    const user = await session().ask('xv6.translate', { expression: '0x0', root: 'pid:1' });
    assert.equal(user.translation?.mode, 'U');
    assert.equal(user.translation?.allowed.fetch, true);
    const kernel = await session().ask('xv6.translate', { expression: '0x0' });
    assert.equal(kernel.translation?.pa, undefined);
    assert.match(kernel.translation?.verdict ?? '', /V=0/);
  });

  it('gives no translation for what is no address', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    const { value, translation } = await session().ask('xv6.translate', { expression: 'proc[0].context' });
    assert.match(value, /^\{ra = /);
    assert.equal(translation, undefined);
  });

  it('says that an address is physical while paging is off', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const { translation } = await session().ask('xv6.translate', { expression: '&main' });
    assert.match(translation?.verdict ?? '', /M-mode addresses are physical/);
  });
});
