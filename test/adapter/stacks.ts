/** Stacks as text, for specs: a line for each frame, of one thread or of all. */
import { relative } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { SAMPLE, type TestSession } from './support';

/** "sys_read kernel/sysfile.c:44", only the name if the line is not known, "[system call: read]". */
export function frameText({ name, source, line, presentationHint }: DebugProtocol.StackFrame): string {
  const hint = presentationHint === undefined ? '' : ` (${presentationHint})`;
  return source?.path && line > 0 ? `${name} ${relative(SAMPLE, source.path)}:${line}${hint}` : `${name}${hint}`;
}

export const stackText = async (session: TestSession, threadId: number): Promise<string[]> =>
  (await session.stack(threadId)).map(frameText);

/** Every thread by its name, with its frames. */
export async function threadsText(session: TestSession): Promise<string[]> {
  const lines: string[] = [];
  for (const { id, name } of (await session.threadsRequest()).body.threads)
    lines.push(name, ...(await stackText(session, id)).map((frame) => `    ${frame}`));
  return lines;
}

/** Waits until the shell sleeps for its next line; it prints its prompt a little earlier. */
export async function shellAsleep(session: TestSession): Promise<void> {
  const end = Date.now() + session.defaultTimeout;
  for (;;) {
    const { processes } = await session.ask('xv6.processes', {});
    const sh = processes.find(({ name }) => name === 'sh');
    if (sh?.channel?.name.startsWith('&cons.') && sh.hart === undefined) return;
    if (Date.now() > end) throw new Error(`The shell does not come to rest. The console says:\n${session.console}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The names on the stack of a thread, innermost first. */
export const names = async (session: TestSession, threadId = 1): Promise<string[]> =>
  (await session.stack(threadId)).map(({ name }) => name);
