import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ESLint } from 'eslint';
import { DOORS, roomOf } from './doors.mjs';

/** For each room a file in it, an allowed import and a forbidden one. */
const IMPORTS: Readonly<Record<string, { file?: string; allowed?: string; forbidden: string }>> = {
  emulator: { file: 'emulator/elf-image', allowed: './types', forbidden: 'node:fs' },
  'emulator/wasm': { allowed: './module', forbidden: '../isa/decode' },
  'emulator/isa': { allowed: '../wasm/assembler', forbidden: '../cpu/hart' },
  'emulator/mmu': { allowed: '../isa/sv39', forbidden: '../cpu/hart' },
  'emulator/cpu': { allowed: '../mmu/mmu', forbidden: '../jit/opcodes' },
  'emulator/jit': { allowed: '../cpu/hart', forbidden: '../scheduler/scheduler' },
  'emulator/scheduler': { allowed: '../jit/executor', forbidden: '../machine' },
  'emulator/devices': { allowed: '../types', forbidden: '../machine' },
  'debug-adapter': { file: 'debug-adapter/some-file', allowed: './dap/connection', forbidden: './node-files' },
  'debug-adapter/symbols': { allowed: '../../emulator/isa/decode', forbidden: '../../emulator/types' },
  'debug-adapter/expressions': { allowed: '../symbols/api', forbidden: '../xv6/kernel' },
  'debug-adapter/memory': { allowed: '../symbols/api', forbidden: '../xv6/kernel' },
  'debug-adapter/xv6': { allowed: '../expressions/value', forbidden: '../run-control/runner' },
  'debug-adapter/page-tables': { allowed: '../xv6/regions', forbidden: '../requests/context' },
  'debug-adapter/code': { allowed: '../xv6/kernel', forbidden: '../launch/debuggee' },
  'debug-adapter/stack': { allowed: '../code/guest', forbidden: '../launch/debuggee' },
  'debug-adapter/run-control': { allowed: '../code/guest', forbidden: '../requests/context' },
  'debug-adapter/evaluation': { allowed: '../stack/stack', forbidden: '../launch/debuggee' },
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

  it('stand beside the rule for private members, which bites too', async () => {
    const [result] = await eslint.lintText('export class A {\n  readonly #x = 1;\n  y = () => this.#x;\n}\n', {
      filePath: 'emulator/machine.ts',
    });
    assert.deepEqual(new Set(result!.messages.map(({ ruleId }) => ruleId)), new Set(['no-restricted-syntax']));
  });

  it('know every room, and let a room beside one of the same first letters alone', async () => {
    assert.deepEqual(Object.keys(IMPORTS), Object.keys(DOORS));
    // The rule for extension/ once matched every path that continued with "cli".
    assert.deepEqual(await refused('extension/sessions', './client'), []);
  });
});
