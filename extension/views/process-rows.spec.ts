import { strict as assert } from 'node:assert';
import type { ProcessSummary } from '../../debug-adapter/protocol';
import { rowsOf, type ProcessRow } from './process-rows';

const sh: ProcessSummary = {
  pid: 2,
  name: 'sh',
  state: 'SLEEPING',
  slot: 1,
  address: '0x80010168',
  threadId: 1129,
  parentPid: 1,
  size: '0x5000',
  pageTables: [{ id: 'pid:2', member: 'pagetable', root: '0x87f5f000' }],
  kernelStack: '0x3fffffb000',
  channel: { address: '0x80011000', name: '&cons.r' },
  trapFrame: { address: '0x87f6d000', epc: '0xe04' },
  files: [{ fd: 3, address: '0x80020148', description: 'pipe at 0x87f44000, read end' }],
  workingDirectory: 1,
  awaited: false,
};
const harts = [
  { hart: 0, threadId: 1, runs: 'idle' },
  { hart: 1, threadId: 2, runs: '' },
];
const text = ({ label, description }: ProcessRow): string => `${label} | ${description}`;

describe('the rows of the Processes view', () => {
  it('say what each hart runs and each process does', () => {
    const rows = rowsOf({
      harts,
      processes: [sh, { ...sh, pid: 3, slot: 2, state: 'RUNNING', hart: 1, channel: undefined! }],
    });
    assert.deepEqual(rows.map(text), [
      'Harts | idle · no process',
      '2 sh | sleeping on &cons.r',
      '3 sh | running on hart 1',
    ]);
    assert.deepEqual(
      rows[0]!.children!.map(({ threadId }) => threadId),
      [1, 2],
    );
    assert.equal(rows[1]!.threadId, 1129);
  });

  it('say all that is known of a process, each with the expression to look closer', () => {
    const [, process] = rowsOf({ harts, processes: [sh] });
    assert.deepEqual(process!.children!.map(text), [
      'state | SLEEPING',
      'parent | pid 1',
      'size | 20480 bytes (0x5000)',
      'pagetable | 0x87f5f000',
      'kernel stack | 0x3fffffb000',
      'channel | &cons.r (0x80011000)',
      'trap frame | 0x87f6d000, epc 0xe04',
      'working directory | inode 1',
      'struct proc | proc[1] at 0x80010168',
      'open files | 1',
    ]);
    const files = process!.children!.at(-1)!.children!;
    assert.deepEqual(files.map(text), ['3 | pipe at 0x87f44000, read end']);
    assert.equal(files[0]!.expression, '*((struct proc *)0x80010168)->ofile[3]');
    assert.ok(process!.children!.every(({ pid }) => pid === 2));
  });

  it('leave out what a kernel does not have', () => {
    const bare: ProcessSummary = { ...sh, pageTables: [], files: [] };
    for (const name of ['parentPid', 'size', 'kernelStack', 'channel', 'trapFrame', 'workingDirectory'] as const)
      delete bare[name];
    const [, process] = rowsOf({ harts, processes: [bare] });
    assert.deepEqual(
      process!.children!.map(({ label }) => label),
      ['state', 'struct proc', 'open files'],
    );
    assert.equal(process!.description, 'sleeping');
  });

  it('have ids of their own, which stay', () => {
    const all = (rows: readonly ProcessRow[]): string[] =>
      rows.flatMap(({ id, children }) => [id, ...all(children ?? [])]);
    const table = { harts, processes: [sh, { ...sh, slot: 2 }] };
    const ids = all(rowsOf(table));
    assert.equal(new Set(ids).size, ids.length);
    assert.deepEqual(all(rowsOf(structuredClone(table))), ids);
  });

  it('mark a process that is waited for', () => {
    const [, process] = rowsOf({ harts, processes: [{ ...sh, awaited: true }] });
    assert.equal(process!.context, 'process awaited');
    assert.equal(process!.description, 'sleeping on &cons.r, awaited');
  });

  it('say why there are none', () => {
    const rows = rowsOf({ harts, processes: [], message: 'The processes of this kernel are not known: no symbols.' });
    assert.deepEqual(
      rows.map(({ label }) => label),
      ['The processes of this kernel are not known: no symbols.'],
    );
  });
});
