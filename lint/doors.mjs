/**
 * The doors between the rooms: what each room may import besides itself. The linter enforces this table
 * (eslint.config.mjs); doors.spec.ts shows for every room that its rule bites.
 *
 * A room is a folder or a file (without .ts). A file belongs to the room with the longest matching name, and a name in a list
 * includes everything in that room. Importing a type counts like importing a value.
 */
import { dirname, relative, resolve, sep } from 'node:path';

/** @typedef {{ mayImport?: readonly string[], node?: boolean, vscode?: boolean }} Door */

/**
 * What the debugger's rooms know of the machine: the facts of the architecture, the interface, what runs it, its past, and how
 * what is saved with it is read.
 */
const MACHINE = [
  ...['emulator/isa', 'emulator/types', 'emulator/run-loop', 'emulator/dead-ends'],
  ...['emulator/strict-tlb/event', 'emulator/strict-tlb/words'],
  ...['emulator/history/saved-state'],
  ...['emulator/history/instant', 'emulator/history/timeline', 'emulator/history/recorded-run'],
];
/** Going back to where the machine was. */
const PAST = ['emulator/history/instant', 'emulator/history/timeline'];
const inDebugger = (...rooms) => rooms.map((room) => `debug-adapter/${room}`);

/** @type {Readonly<Record<string, Door>>} */
export const DOORS = {
  // The machine. Its parts may import from the instruction table upwards; machine.ts puts them together.
  emulator: { mayImport: ['emulator'] },
  'emulator/wasm': {},
  'emulator/isa': { mayImport: ['emulator/wasm', 'emulator/types'] },
  'emulator/mmu': { mayImport: ['emulator/isa', 'emulator/layout', 'emulator/types', 'emulator/history/memory-image'] },
  'emulator/cpu': {
    mayImport: [
      ...['emulator/isa', 'emulator/mmu', 'emulator/layout', 'emulator/types', 'emulator/device'],
      'emulator/history/saved-state',
    ],
  },
  'emulator/jit': {
    mayImport: ['emulator/isa', 'emulator/mmu', 'emulator/cpu', 'emulator/wasm', 'emulator/layout', 'emulator/types'],
  },
  'emulator/scheduler': {
    mayImport: [
      ...['emulator/isa', 'emulator/mmu', 'emulator/cpu', 'emulator/jit', 'emulator/layout', 'emulator/types'],
      'emulator/history/saved-state',
    ],
  },
  'emulator/devices': { mayImport: ['emulator/history/saved-state', 'emulator/types', 'emulator/device'] },
  'emulator/boot': { mayImport: ['emulator/devices/memory-map', 'emulator/types'] },
  // The network is none of the machine's parts: frames leave it and enter it as they would on a cable.
  'emulator/network': {},
  'emulator/strict-tlb': {
    mayImport: [
      ...['emulator/isa', 'emulator/mmu', 'emulator/layout', 'emulator/types'],
      'emulator/history/saved-state',
    ],
  },
  'emulator/dead-ends': {
    mayImport: ['emulator/isa', 'emulator/types', 'emulator/boot/elf-image', 'emulator/history/saved-state'],
  },
  // The past is that of a machine known by its interface.
  'emulator/history': {
    mayImport: ['emulator/types', 'emulator/layout', 'emulator/devices/disk', 'emulator/strict-tlb/event'],
  },

  // The debugger.
  'debug-adapter': { mayImport: ['emulator', 'debug-adapter/protocol', 'debug-adapter/dap'] },
  'debug-adapter/symbols': { mayImport: ['emulator/isa', ...inDebugger('symbols')] },
  'debug-adapter/symbols/container': { mayImport: ['emulator/isa/hex', ...inDebugger('symbols/api')] },
  'debug-adapter/symbols/dwarf': {
    mayImport: ['emulator/isa/hex', ...inDebugger('symbols/api', 'symbols/search', 'symbols/container')],
  },
  'debug-adapter/symbols/declarations': {
    mayImport: ['emulator/isa/hex', ...inDebugger('symbols/api', 'symbols/code', 'symbols/container', 'symbols/dwarf')],
  },
  'debug-adapter/symbols/frames': {
    mayImport: [
      'emulator/isa',
      ...inDebugger('symbols/api', 'symbols/code', 'symbols/container', 'symbols/dwarf', 'symbols/declarations'),
    ],
  },
  'debug-adapter/expressions': { mayImport: ['emulator/isa', ...inDebugger('symbols')] },
  'debug-adapter/memory': { mayImport: ['emulator', ...inDebugger('symbols')] },
  'debug-adapter/xv6': { mayImport: [...MACHINE, ...inDebugger('symbols', 'expressions', 'memory', 'protocol')] },
  'debug-adapter/page-tables': { mayImport: [...MACHINE, ...inDebugger('memory', 'xv6', 'protocol')] },
  'debug-adapter/code': {
    mayImport: [...MACHINE, ...inDebugger('symbols', 'memory', 'xv6', 'launch/files', 'dap/errors')],
  },
  'debug-adapter/ledger': {
    mayImport: [...MACHINE, ...inDebugger('symbols', 'expressions', 'memory', 'xv6', 'code')],
  },
  'debug-adapter/stack': {
    mayImport: [...MACHINE, ...inDebugger('symbols', 'expressions', 'memory', 'xv6', 'code')],
  },
  'debug-adapter/survey': {
    mayImport: [...MACHINE, 'emulator/history/checkpoints', 'emulator/network', ...inDebugger('symbols', 'xv6')],
  },
  'debug-adapter/run-control': {
    mayImport: [...MACHINE, ...inDebugger('symbols', 'memory', 'xv6', 'code', 'ledger', 'protocol', 'dap/errors')],
  },
  'debug-adapter/evaluation': {
    mayImport: [
      ...MACHINE,
      ...inDebugger(
        'symbols',
        'expressions',
        'memory',
        'xv6',
        'page-tables',
        'code',
        'stack',
        'run-control',
        'protocol',
        'dap/errors',
      ),
    ],
  },
  'debug-adapter/questions': {
    mayImport: [
      ...MACHINE,
      ...inDebugger('symbols', 'expressions', 'memory', 'xv6', 'page-tables', 'code', 'stack', 'run-control'),
      ...inDebugger('evaluation', 'dap/errors'),
      ...inDebugger('survey/frame-headers', 'survey/frame-watch', 'survey/frame-words'),
    ],
  },
  'debug-adapter/stories': {
    mayImport: [
      ...MACHINE,
      ...inDebugger('symbols', 'expressions', 'memory', 'xv6', 'page-tables', 'code', 'stack', 'run-control'),
      ...inDebugger('evaluation', 'questions', 'protocol'),
    ],
  },
  'debug-adapter/launch': {
    mayImport: [
      'emulator',
      ...inDebugger('symbols', 'memory', 'xv6', 'code', 'stack', 'run-control', 'evaluation', 'dap', 'protocol'),
      ...inDebugger('survey', 'ledger'),
      // Another debugger of the same machine.
      ...['gdb-stub/session', 'gdb-stub/target'],
    ],
  },
  // Requests know every room below them; only the session knows requests.
  'debug-adapter/requests': {
    mayImport: [
      ...[...MACHINE, 'emulator/network/pcap'],
      ...inDebugger('symbols', 'expressions', 'memory', 'xv6', 'page-tables', 'code', 'stack', 'run-control'),
      ...inDebugger('evaluation', 'questions', 'stories', 'launch', 'survey', 'dap', 'protocol'),
    ],
  },
  'debug-adapter/session': {
    mayImport: inDebugger('requests', 'evaluation', 'expressions', 'page-tables', 'run-control', 'dap', 'protocol'),
  },
  // The bits of a page-table entry come from the architecture, also for the views.
  'debug-adapter/protocol': { mayImport: ['emulator/isa/sv39'] },
  'debug-adapter/dap': {},
  // Its program in Node: the channel and the files.
  'debug-adapter/stdio': { mayImport: ['debug-adapter', 'host'], node: true },
  'debug-adapter/node-files': { mayImport: ['debug-adapter', 'host'], node: true },

  // Another debugger's way in: gdb's remote protocol, spoken over whatever carries bytes.
  'gdb-stub': { mayImport: ['emulator/isa', 'emulator/types', 'emulator/devices/memory-map', ...PAST] },

  // What both programs need of Node's files.
  host: {
    mayImport: ['emulator/devices/disk', 'emulator/run-loop', 'emulator/types', 'emulator/network'],
    node: true,
  },

  extension: {
    mayImport: [
      'debug-adapter/protocol',
      'webviews/page-table/messages',
      'webviews/page-table/model-checks',
      'webviews/page-table/drawing/svg-file',
      'webviews/timeline/messages',
      'webviews/story/messages',
      'host/regular-file',
    ],
    node: true,
    vscode: true,
  },
  webviews: { mayImport: ['debug-adapter/protocol'] },
  cli: { mayImport: ['emulator', 'gdb-stub', 'host'], node: true },
};

/** The room of a path (without .ts): the one with the longest matching name. */
export const roomOf = (path) =>
  Object.keys(DOORS)
    .filter((room) => isIn(path, room))
    .sort((a, b) => b.length - a.length)[0];

const isIn = (path, room) => path === room || path.startsWith(`${room}/`);

/** Why a file may not import something; undefined if it may. Paths are relative to the project, without .ts. */
export function refusal(file, imported) {
  const room = roomOf(file);
  if (room === undefined) return undefined;
  const { mayImport = [], node = false, vscode = false } = DOORS[room];
  if (imported === 'vscode') return vscode ? undefined : `${room} knows no VS Code`;
  if (imported.startsWith('node:')) return node ? undefined : `${room} knows no Node`;
  const other = roomOf(imported);
  if (other === undefined || other === room || mayImport.some((name) => isIn(imported, name))) return undefined;
  return `${room} may import ${mayImport.join(', ') || 'nothing but itself'}; ${imported} lies in ${other}`;
}

/** @type {import('eslint').Rule.RuleModule} */
const oneWay = {
  meta: { type: 'problem', messages: { refused: '{{why}} (lint/doors.mjs)' }, schema: [] },
  create(context) {
    const path = (absolute) => relative(context.cwd, absolute).split(sep).join('/').replace(/\.ts$/, '');
    const file = path(context.filename);
    const check = ({ source }) => {
      if (typeof source?.value !== 'string') return;
      const name = source.value;
      const why = refusal(file, name.startsWith('.') ? path(resolve(dirname(context.filename), name)) : name);
      if (why !== undefined) context.report({ node: source, messageId: 'refused', data: { why } });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
      TSImportType: check,
    };
  },
};

export default { rules: { 'one-way': oneWay } };
