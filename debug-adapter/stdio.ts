/**
 * The debug adapter as a program: the Debug Adapter Protocol over standard input and output, framed by Content-Length
 * headers as the protocol's "Base Protocol" says. It ends, with the disk image saved, when its input closes.
 */
import type { Channel } from './dap/connection';
import { Framing, frame } from './dap/framing';
import { nodeFiles } from './node-files';
import { Session } from './session';

const input = new Framing();
let receive: (message: unknown) => void = () => undefined;

const channel: Channel = {
  send: (message) => void process.stdout.write(frame(JSON.stringify(message))),
  onMessage: (listener) => {
    receive = listener;
  },
};

const session = new Session(channel, {
  files: nodeFiles,
  clock: {
    now: () => performance.now(),
    unixTime: () => Math.floor(Date.now() / 1000),
    soon: (action) => void setImmediate(action),
    later: (milliseconds, action) => {
      const timer = setTimeout(action, milliseconds);
      return () => clearTimeout(timer);
    },
  },
  workingDirectory: process.cwd(),
  end: (code) => leave(code),
});

let leaving = false;
function leave(code: number): void {
  if (leaving) return;
  leaving = true;
  // Data written to the pipe must arrive before the process ends.
  void session.close().then(() => process.stdout.write('', () => process.exit(code)));
}

process.stdin.on('data', (chunk: Buffer) => {
  try {
    for (const text of input.push(chunk)) receive(JSON.parse(text));
  } catch (error) {
    // A stream with wrong framing is useless from here on: report that where a person can read it, and end.
    process.stderr.write(`xv6-debug-adapter: ${error instanceof Error ? error.message : String(error)}\n`);
    leave(1);
  }
});
process.stdin.on('end', () => leave(0));
process.stdin.on('error', () => leave(0));
process.stdout.on('error', () => leave(0));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => leave(0));
