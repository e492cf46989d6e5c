/**
 * The words of the command line: every option with its argument and a line of help, as -help prints them. Of the project it
 * imports nothing, so that -help and -version are answered before the machine is loaded.
 */
import { version } from '../../package.json';

/** xv6's Makefiles require QEMU's name and a version of at least 7.2. */
const QEMU_VERSION = '7.2.0';

/** One option: its argument as help shows it ('' if it takes none), and a line of help. */
interface OptionWords {
  argument: string;
  help: string;
}

/** By name without dashes. */
export const WORDS = {
  machine: { argument: 'virt', help: "QEMU's virt board, the only one" },
  cpu: { argument: 'rv64', help: 'the harts, the only kind' },
  smp: { argument: 'n', help: 'harts, 1 to 8 (default 1)' },
  m: { argument: 'size', help: 'memory, such as 128M or 3G (default 128M)' },
  bios: {
    argument: 'file|none|default',
    help: 'firmware, which starts the kernel in S-mode; none (default): the kernel starts in M-mode; default: OpenSBI',
  },
  kernel: {
    argument: 'file',
    help: 'an RV64 ELF kernel, or with firmware also a raw one; without it the sample kernel and its disk boot',
  },
  initrd: { argument: 'file', help: 'an initial RAM disk for the kernel' },
  append: { argument: 'text', help: "the kernel's command line: bootargs in the device tree" },
  drive: { argument: 'file=F,if=none,format=raw,id=ID', help: 'a raw disk image; also readonly=on, snapshot=on' },
  device: {
    argument: 'virtio-blk-device,drive=ID,bus=virtio-mmio-bus.0',
    help: 'puts the drive on the board; e1000,netdev=ID,bus=pcie.0 the network; loader,file=F,addr=A an image in memory',
  },
  global: { argument: 'virtio-mmio.force-legacy=on|off', help: 'virtio version 1 (default) or 2' },
  snapshot: { argument: '', help: 'keep disk writes in memory' },
  nographic: { argument: '', help: 'console on standard input and output (always so)' },
  serial: { argument: 'mon:stdio', help: 'the same' },
  monitor: { argument: 'none', help: 'there is no monitor' },
  display: { argument: 'none', help: 'there is no display' },
  'no-reboot': { argument: '', help: 'exit when the guest resets' },
  gdb: { argument: 'tcp::port', help: 'serve gdb on that port of 127.0.0.1' },
  S: { argument: '', help: 'wait for gdb to let the machine run' },
  s: { argument: '', help: 'as -gdb tcp::1234' },
  netdev: {
    argument: 'user,id=ID,hostfwd=udp::N-:N',
    help: 'a network as of QEMU, with the host as 10.0.2.2; hostfwd: on 127.0.0.1, or tcp; also restrict=on',
  },
  object: {
    argument: 'filter-dump,netdev=ID,file=F',
    help: 'captures the frames of the network in a file for Wireshark',
  },
  accel: { argument: 'interp|jit|mixed', help: 'interpret, translate, or translate what is hot (default); same run' },
  icount: { argument: 'shift=n', help: 'ignored' },
  name: { argument: 'name', help: 'ignored' },
  nodefaults: { argument: '', help: 'ignored' },
  'no-user-config': { argument: '', help: 'ignored' },
  d: { argument: 'item', help: 'ignored' },
  trace: { argument: 'events', help: 'ignored' },
  D: { argument: 'file', help: 'ignored' },
  script: { argument: 'file', help: 'drive the console: lines "expect TEXT" and "send TEXT"' },
  'warm-start': { argument: 'folder', help: 'continue from the prompt of a boot saved there, or save this one' },
  timeout: { argument: 'seconds', help: 'give up after that time (exit status 1)' },
  stats: { argument: 'file', help: 'write counts and times there, as JSON' },
  record: { argument: 'file', help: 'write a recording of the run there when it ends' },
  'record-on-failure': { argument: 'file', help: 'the same, but only if the exit status is not 0' },
  replay: { argument: 'file', help: 'do a recorded run again; takes only --goto, -accel, --timeout, --stats' },
  goto: {
    argument: 'instant',
    help: 'stop the replay there: instructions, such as 1234567; virtual time, such as 12.5ms; a bookmark; end (default)',
  },
  seed: { argument: 'n', help: "vary the length of the harts' turns" },
  tlb: {
    argument: 'strict|n',
    help: 'a TLB that forgets nothing until it is fenced, and stale uses told; n: with the cards of that seed, too',
  },
} satisfies Record<string, OptionWords>;

export type OptionName = keyof typeof WORDS;

/** Our own options, which help shows with two dashes. All options work with one dash or two. */
const OURS = [
  ...['script', 'timeout', 'stats', 'seed', 'tlb', 'warm-start'],
  ...['record', 'record-on-failure', 'replay', 'goto'],
];

/** What is printed where that is all that is asked for; undefined for any other argument. */
export function answerTo(argument: string): string | undefined {
  if (/^--?h(elp)?$/.test(argument)) return usage();
  return /^--?version$/.test(argument) ? `QEMU emulator version ${QEMU_VERSION} (xv6-emu ${version})\n` : undefined;
}

/** What -help prints. The labs' Makefiles search it for a line that begins with "-gdb". */
function usage(): string {
  const lines = Object.entries(WORDS).map(([name, { argument, help }]) => {
    const left = `${OURS.includes(name) ? '--' : '-'}${name} ${argument}`.trimEnd();
    return left.length < 24 ? `${left.padEnd(24)}${help}` : `${left}\n${' '.repeat(24)}${help}`;
  });
  return `usage: xv6-emu [options]

Runs a RISC-V kernel such as xv6 on QEMU's "virt" board, with the console on the terminal.
Without -kernel it boots the sample kernel. Ctrl-A X leaves, Ctrl-A H helps.

-h or -help             display this help and exit
-version                display version information and exit
${lines.join('\n')}

A script has one command a line: "expect TEXT" waits until the console shows TEXT, "send TEXT" types TEXT and Enter
(no Enter if TEXT ends in \\c or in an escape such as \\n or \\x10); lines that begin with # are comments.

Exit status: 0 script done or guest powered off, 1 timed out, 2 bad usage or input, 3 guest panicked or hung.
`;
}
