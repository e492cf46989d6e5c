/**
 * The debug adapter as a program: the Debug Adapter Protocol over standard input and output, framed by Content-Length
 * headers as the protocol's "Base Protocol" says. It ends when its input closes. What the guest has written is in its disk's
 * image by then, so signals may end the process as the system does by default, whatever it is busy with.
 */
import { setFlagsFromString } from 'node:v8';
import { CLOCK } from '../host/clock';
import { SOCKETS } from '../host/sockets';
import type { Channel } from './dap/connection';
import { Framing, frame } from './dap/framing';
import { parseMessage } from './dap/message';
import { nodeFiles } from './node-files';
import { Session } from './session';

/** Milliseconds for what is under way at the end: a file on a machine that does not respond, a client that does not read. */
const GRACE = 1000;
/** Bytes that may wait for a client to read them. */
const MOST_UNREAD = 128 * 1024 * 1024;
const FAILED = 1;

// Checkpoints take hundreds of MiB and stay: V8 would let its heap grow to twice or more of that before it collects what is free.
setFlagsFromString('--heap-growing-percent=30');

const input = new Framing();
let leaving = false;
let receive: (message: unknown) => void = () => undefined;

const channel: Channel = {
  send(message) {
    process.stdout.write(frame(JSON.stringify(message)));
    if (!leaving && process.stdout.writableLength > MOST_UNREAD) fail('the client does not read what it is sent');
  },
  onMessage(listener) {
    receive = listener;
  },
  log,
};

const session = new Session(channel, {
  files: nodeFiles,
  sockets: SOCKETS,
  clock: { ...CLOCK, unixTime: () => Math.floor(Date.now() / 1000) },
  workingDirectory: process.cwd(),
  end: (code) => leave(code),
});

function leave(code: number): void {
  if (leaving) return;
  leaving = true;
  // Where a thread of Node's waits for a file, process.exit would wait for that thread.
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE);
  // Data written to the pipe must arrive before the process ends.
  void session.close().then(() => process.stdout.write('', () => process.exit(code)));
}

/** Says where a person can read it why the process ends. */
function fail(why: string): void {
  log(why);
  leave(FAILED);
}

/** VS Code keeps it in the output of its extensions. */
function log(text: string): void {
  process.stderr.write(`xv6-debug-adapter: ${text}\n`);
}

process.stdin.on('data', (chunk: Buffer) => {
  try {
    for (const text of input.push(chunk)) receive(parseMessage(text));
  } catch (error) {
    // A stream with wrong framing is useless from here on.
    fail(error instanceof Error ? error.message : String(error));
  }
});
process.stdin.on('end', () => leave(0));
process.stdin.on('error', () => leave(0));
process.stdout.on('error', () => leave(0));
process.on('uncaughtException', (error) => {
  session.crashed(error);
  leave(FAILED);
});
