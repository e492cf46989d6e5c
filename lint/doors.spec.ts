import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ESLint } from 'eslint';
import { DOORS, roomOf } from './doors.mjs';

/** For each room a file in it, an allowed import and a forbidden one. */
const IMPORTS: Readonly<Record<string, { file?: string; allowed?: string; forbidden: string }>> = {
  emulator: { file: 'emulator/machine', allowed: './types', forbidden: 'node:fs' },
  'emulator/wasm': { allowed: './module', forbidden: '../isa/instructions/decode' },
  'emulator/isa': { allowed: '../wasm/assembler', forbidden: '../cpu/hart' },
  'emulator/mmu': { allowed: '../isa/sv39', forbidden: '../cpu/hart' },
  'emulator/cpu': { allowed: '../mmu/mmu', forbidden: '../jit/opcodes' },
  'emulator/jit': { allowed: '../cpu/hart', forbidden: '../scheduler/scheduler' },
  'emulator/scheduler': { allowed: '../jit/executor', forbidden: '../machine' },
  'emulator/devices': { allowed: '../device', forbidden: '../machine' },
  'emulator/boot': { allowed: '../devices/memory-map', forbidden: '../devices/virt' },
  'emulator/network': { allowed: './ethernet', forbidden: '../devices/virt' },
  'emulator/strict-tlb': { allowed: '../mmu/mmu', forbidden: '../cpu/hart' },
  'emulator/dead-ends': { allowed: '../isa/csrs', forbidden: '../machine' },
  'emulator/history': { allowed: '../types', forbidden: '../machine' },
  'debug-adapter': { file: 'debug-adapter/some-file', allowed: './dap/connection', forbidden: './node-files' },
  'debug-adapter/symbols': { allowed: '../../emulator/isa/instructions/decode', forbidden: '../../emulator/types' },
  'debug-adapter/symbols/container': { allowed: '../api', forbidden: '../dwarf/unit' },
  'debug-adapter/symbols/dwarf': { allowed: '../container/reader', forbidden: '../declarations/types' },
  'debug-adapter/symbols/declarations': { allowed: '../dwarf/die', forbidden: '../frames/locate' },
  'debug-adapter/symbols/frames': { allowed: '../declarations/functions', forbidden: '../binary' },
  'debug-adapter/expressions': { allowed: '../symbols/api', forbidden: '../xv6/kernel' },
  'debug-adapter/memory': { allowed: '../symbols/api', forbidden: '../xv6/kernel' },
  'debug-adapter/xv6': { allowed: '../expressions/value', forbidden: '../run-control/runner' },
  'debug-adapter/page-tables': { allowed: '../xv6/regions', forbidden: '../requests/context' },
  'debug-adapter/code': { allowed: '../xv6/kernel', forbidden: '../launch/debuggee' },
  'debug-adapter/ledger': { allowed: '../xv6/kernel', forbidden: '../run-control/stops' },
  'debug-adapter/stack': { allowed: '../code/guest', forbidden: '../launch/debuggee' },
  'debug-adapter/survey': { allowed: '../xv6/kernel', forbidden: '../run-control/stops' },
  'debug-adapter/run-control': { allowed: '../code/guest', forbidden: '../requests/context' },
  'debug-adapter/evaluation': { allowed: '../stack/stack', forbidden: '../launch/debuggee' },
  'debug-adapter/questions': { allowed: '../evaluation/evaluation', forbidden: '../launch/debuggee' },
  'debug-adapter/stories': { allowed: '../questions/writers', forbidden: '../launch/debuggee' },
  'debug-adapter/launch': { allowed: '../stack/stack', forbidden: '../requests/context' },
  'debug-adapter/requests': {
    file: 'debug-adapter/requests/context',
    allowed: '../launch/boot',
    forbidden: '../session',
  },
  'debug-adapter/session': { file: 'debug-adapter/session', allowed: './requests/context', forbidden: './stdio' },
  'debug-adapter/protocol': {
    file: 'debug-adapter/protocol',
    allowed: '../emulator/isa/sv39',
    forbidden: './code/sources',
  },
  'debug-adapter/dap': { allowed: './framing', forbidden: '../protocol' },
  'debug-adapter/stdio': { file: 'debug-adapter/stdio', allowed: 'node:fs', forbidden: '../extension/sessions' },
  'debug-adapter/node-files': { file: 'debug-adapter/node-files', allowed: 'node:fs', forbidden: 'vscode' },
  'gdb-stub': { allowed: '../emulator/history/timeline', forbidden: '../debug-adapter/memory/address-space' },
  host: { file: 'host/file-disk', allowed: '../emulator/devices/disk', forbidden: '../emulator/machine' },
  extension: { file: 'extension/views/console', allowed: '../../debug-adapter/protocol', forbidden: '../../cli/run' },
  webviews: {
    file: 'webviews/page-table/view',
    allowed: '../../debug-adapter/protocol',
    forbidden: '../../debug-adapter/page-tables/tables',
  },
  cli: { file: 'cli/run', allowed: '../emulator/machine', forbidden: '../debug-adapter/protocol' },
};

describe('the doors between the rooms', function () {
  const eslint = new ESLint({ cwd: join(__dirname, '..') });
  const refused = async (file: string, imported: string): Promise<string[]> => {
    const [result] = await eslint.lintText(`import { x } from '${imported}';\nx();\n`, { filePath: `${file}.ts` });
    return result!.messages.map(({ ruleId, message }) => `${ruleId}: ${message}`);
  };

  for (const room of Object.keys(DOORS)) {
    it(`let nothing into ${room} that its list does not name`, async () => {
      const { file = `${room}/some-file`, allowed, forbidden } = IMPORTS[room]!;
      assert.equal(roomOf(file), room);
      if (allowed !== undefined) assert.deepEqual(await refused(file, allowed), []);
      const messages = await refused(file, forbidden);
      assert.equal(messages.length, 1, messages.join('\n'));
      assert.match(messages[0]!, /^doors\/one-way: /);
    });
  }

  it('are held for types, for what is exported on, and for what is loaded later', async () => {
    const file = 'webviews/page-table/view.ts';
    for (const line of [
      "import type { X } from '../../emulator/types';\nexport type Y = X;",
      "export * from '../../emulator/types';",
      "export { x } from '../../emulator/types';",
      "export const x = import('../../emulator/types');",
    ]) {
      const [result] = await eslint.lintText(`${line}\n`, { filePath: file });
      assert.deepEqual(
        result!.messages.map(({ ruleId }) => ruleId),
        ['doors/one-way'],
        line,
      );
    }
  });

  it('know every room, and let a room beside one of the same first letters alone', async () => {
    assert.deepEqual(Object.keys(IMPORTS), Object.keys(DOORS));
    // The rule for extension/ once matched every path that continued with "cli".
    assert.deepEqual(await refused('extension/sessions', './client'), []);
  });
});

describe('the rules of one dialect', function () {
  const eslint = new ESLint({ cwd: join(__dirname, '..') });
  const rulesOf = async (text: string): Promise<(string | null)[]> => {
    const [result] = await eslint.lintText(text, { filePath: 'emulator/machine.ts' });
    return [...new Set(result!.messages.map(({ ruleId }) => ruleId))];
  };
  const SAMPLES: readonly { subject: string; rule: string; good: string; bad: string }[] = [
    {
      subject: 'members are private, not #private',
      rule: 'no-restricted-syntax',
      good: 'export class A {\n  private readonly x = 1;\n  y = () => this.x;\n}\n',
      bad: 'export class A {\n  readonly #x = 1;\n  y = () => this.#x;\n}\n',
    },
    {
      subject: 'scalar constants of a module are UPPER_CASE',
      rule: 'no-restricted-syntax',
      good: 'const MOST = 2 ** 20;\nexport const LEAST = -1n;\nexport const f = (local = MOST): number => local;\n',
      bad: 'export const most = 2 ** 20;\n',
    },
    {
      subject: 'functions are lowerCamelCase, also as constants',
      rule: 'no-restricted-syntax',
      good: 'export const twice = (n: number): number => 2 * n;\n',
      bad: 'export const TWICE = (n: number): number => 2 * n;\n',
    },
    {
      subject: 'a file has at most 400 lines',
      rule: 'max-lines',
      good: '// A line.\n'.repeat(400),
      bad: '// A line.\n'.repeat(401),
    },
    {
      subject: 'one line needs no braces',
      rule: 'curly',
      good: 'export function f(x: number): number {\n  if (x > 0) return 1;\n  return 0;\n}\n',
      bad: 'export function f(x: number): number {\n  if (x > 0) {\n    return 1;\n  }\n  return 0;\n}\n',
    },
    {
      subject: 'a chain has braces everywhere or nowhere',
      rule: 'curly',
      good: 'export function f(x: number): void {\n  if (x > 0) f(1);\n  else f(0);\n}\n',
      bad: 'export function f(x: number): void {\n  if (x > 0) {\n    f(1);\n    f(2);\n  } else f(0);\n}\n',
    },
  ];

  for (const { subject, rule, good, bad } of SAMPLES) {
    it(`bite: ${subject}`, async () => {
      assert.deepEqual(await rulesOf(good), []);
      assert.deepEqual(await rulesOf(bad), [rule]);
    });
  }
});
