/**
 * What gdb's `monitor` asks, in the words of QEMU's monitor ("QEMU Monitor" in its System Emulation manual), as far as there is
 * something here to answer.
 */
import { type Hart, MODE_NAMES } from '../emulator/types';
import { type Space, readMemory, spaceOf } from './memory';
import { dump, parseFormat } from './memory-dump';
import { mappings, pages } from './mappings';
import { memoryTree } from './memory-tree';
import { registersOf } from './register-dump';
import type { Target } from './target';

/** In which a command is said. */
export interface MonitorContext {
  readonly target: Target;
  readonly hart: Hart;
}

interface Command {
  /** Its arguments, as help shows them. */
  readonly usage: string;
  readonly help: string;
  /** Returns the answer, with a line feed at its end. */
  run(context: MonitorContext, argument: string): string;
}

const physicalMemory = (): Space => undefined;

const examine =
  (space: (hart: Hart) => Space) =>
  ({ target: { machine }, hart }: MonitorContext, argument: string): string => {
    const match = /^(?:\/(\S+)\s+)?(0x[0-9a-f]{1,16}|\d{1,19})$/i.exec(argument);
    const format = match && parseFormat(match[1] ?? '');
    if (!match || !format) return 'examine what? e.g. xp /8gx 0x80000000, with x, d, u, o, c or i, and b, h, w or g\n';
    const read = (address: bigint, length: number): Uint8Array | undefined =>
      readMemory(machine, space(hart), address, length);
    return dump(read, BigInt.asUintN(64, BigInt(match[2]!)), format);
  };

const INFO: Readonly<Record<string, Omit<Command, 'usage'>>> = {
  registers: {
    help: 'the registers of the hart, or with -a of all',
    run: ({ target: { machine }, hart }, argument) =>
      (argument === '-a' ? machine.harts : [hart]).map(registersOf).join('\n'),
  },
  mem: {
    help: "what the hart's page table maps, in runs of pages with the same permissions",
    run: ({ target: { machine }, hart }) => mappings(machine.memory, hart),
  },
  tlb: {
    help: "what the hart's page table maps, page by page",
    run: ({ target: { machine }, hart }) => pages(machine.memory, hart),
  },
  mtree: { help: 'the physical address space', run: ({ target: { machine } }) => memoryTree(machine.memory) },
  cpus: {
    help: 'the harts',
    run: ({ target: { machine }, hart }) =>
      machine.harts.map((one) => `${one.id === hart.id ? '*' : ' '} CPU #${one.id}: ${describe(one)}\n`).join(''),
  },
  status: {
    help: 'whether the machine runs',
    run: ({ target }) => `VM status: ${target.running ? 'running' : 'paused'}\n`,
  },
};

const COMMANDS: Readonly<Record<string, Command>> = {
  help: { usage: '', help: 'this help', run: () => help() },
  info: {
    usage: Object.keys(INFO).join('|'),
    help: 'shows the state of the machine',
    run: (context, argument) => {
      const [, topic = '', rest = ''] = /^(\S*)\s*(.*)$/.exec(argument)!;
      const found = Object.hasOwn(INFO, topic) ? INFO[topic] : undefined;
      return found?.run(context, rest) ?? infoHelp();
    },
  },
  x: { usage: '/fmt addr', help: 'memory at a virtual address of the hart', run: examine(spaceOf) },
  xp: { usage: '/fmt addr', help: 'memory at a physical address', run: examine(physicalMemory) },
  system_reset: {
    usage: '',
    help: 'resets the machine: power on again, with the disk as it is',
    run: ({ target }) => {
      target.apply({ kind: 'reset' });
      return '';
    },
  },
  quit: {
    usage: '',
    help: 'ends the emulator',
    run: ({ target }) => {
      target.quit();
      return '';
    },
  },
};

/** The answer to a line; empty if there is nothing to say. */
export function monitor(context: MonitorContext, line: string): string {
  const [, name = '', argument = ''] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(line)!;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return command?.run(context, argument) ?? `unknown command: '${name}'; help lists those that there are\n`;
}

/** What a hart does, as a list of threads shows it. */
export function describe(hart: Hart): string {
  const doing = hart.waiting ? 'waits in wfi' : hart.spinning ? 'spins' : 'running';
  return `${MODE_NAMES[hart.mode]}, ${doing}`;
}

const help = (): string =>
  Object.entries(COMMANDS)
    .map(([name, { usage, help: text }]) => `${`${name} ${usage}`.trimEnd()} -- ${text}\n`)
    .join('') + infoHelp();

const infoHelp = (): string =>
  Object.entries(INFO)
    .map(([name, { help: text }]) => `info ${name} -- ${text}\n`)
    .join('');
