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
  kernelStack: { address: '0x3fffffb000', size: 4096, used: 304, deepest: 1824 },
  channel: { address: '0x80011000', name: '&cons.r' },
  trapFrame: { address: '0x87f6d000', epc: '0xe04', members: [{ name: 'epc', value: '0xe04' }] },
  arguments: { argv: '0x3fd0', strings: [{ address: '0x3ff0', text: 'sh' }] },
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
      'kernel stack | 0x3fffffb000, 4096 bytes: 304 in use, 1824 at most so far',
      'channel | &cons.r (0x80011000)',
      'trap frame | 0x87f6d000, epc 0xe04',
      'arguments | argc 1, argv at 0x3fd0 of the user stack',
      'working directory | inode 1',
      'struct proc | proc[1] at 0x80010168',
      'open files | 1',
    ]);
    const files = process!.children!.at(-1)!.children!;
    assert.deepEqual(files.map(text), ['3 | pipe at 0x87f44000, read end']);
    assert.equal(files[0]!.expression, '*((struct proc *)0x80010168)->ofile[3]');
    assert.ok(process!.children!.every(({ pid }) => pid === 2));
  });

  it('say where a kernel stack was used to its end, and what exec has passed on', () => {
    const full = { ...sh, kernelStack: { address: '0x3fffffb000', size: 4096, deepest: 4096 } };
    const [, process] = rowsOf({ harts, processes: [full] });
    const of = (label: string): ProcessRow => process!.children!.find((row) => row.label === label)!;
    assert.equal(of('kernel stack').description, '0x3fffffb000, 4096 bytes: used to its end');
    assert.deepEqual(of('arguments').children!.map(text), ['argv[0] | "sh" at 0x3ff0']);
    const [epc] = of('trap frame').children!;
    assert.equal(epc!.expression, '((struct proc *)0x80010168)->trapframe->epc');
  });

  it('leave out what a kernel does not have', () => {
    const bare: ProcessSummary = { ...sh, pageTables: [], files: [] };
    for (const name of [
      'parentPid',
      'size',
      'kernelStack',
      'channel',
      'trapFrame',
      'arguments',
      'workingDirectory',
    ] as const)
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
