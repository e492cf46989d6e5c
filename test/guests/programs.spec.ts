/**
 * User programs of a real xv6 in the debugger: XV6_DIR names its built tree, as in xv6.spec.ts. Copies the disk image, and
 * reads the sources, programs and kernel where they are.
 */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { TestSession } from '../adapter/support';
import { labAt } from './lab';

const FOLDER = process.env.XV6_DIR;

describe('user programs of a real xv6', function () {
  this.timeout(120_000);

  if (FOLDER === undefined) {
    it('are debugged (skipped: XV6_DIR names no built tree)', function () {
      this.skip();
    });
    return;
  }
  const lab = labAt(FOLDER);
  let session: TestSession;
  let at = 1;

  const lineOf = (file: string, pattern: RegExp): number =>
    readFileSync(join(FOLDER, file), 'utf8')
      .split('\n')
      .findIndex((line) => pattern.test(line)) + 1;
  async function setLines(file: string, ...lines: number[]): Promise<DebugProtocol.Breakpoint[]> {
    const { body } = await session.setBreakpointsRequest({
      source: { path: join(FOLDER!, file) },
      breakpoints: lines.map((line) => ({ line })),
    });
    return body.breakpoints;
  }
  const frames = async (): Promise<DebugProtocol.StackFrame[]> => session.stack(at);
  const names = async (): Promise<string[]> => (await frames()).map(({ name }) => name);
  async function stopped(): Promise<void> {
    at = (await session.stopped()).threadId ?? 1;
  }
  async function step(kind: 'next' | 'stepIn' | 'stepOut'): Promise<string> {
    const stop = await session.step(kind, at);
    assert.equal(stop.reason, 'step');
    at = stop.threadId ?? 1;
    const [frame] = await frames();
    return `${frame!.name} ${frame!.source?.path?.slice(FOLDER!.length + 1)}`;
  }
  const read = lineOf('user/cat.c', /read\(fd, buf/);

  before(async () => {
    session = await TestSession.open();
    session.defaultTimeout = 60_000;
    copyFileSync(lab.image, session.disk);
    const initialized = session.waitForEvent('initialized');
    await session.launchRequest({
      kernel: lab.kernel,
      disk: session.disk,
      harts: 3,
      memory: `${lab.memory / 2 ** 20}M`,
      legacyVirtio: lab.legacyVirtio,
    } as DebugProtocol.LaunchRequestArguments);
    await initialized;
  });
  after(() => session.stop());

  it(`${lab.name}: breakpoints are bound before the programs run`, async () => {
    const [cat] = await setLines('user/cat.c', read);
    assert.equal(cat!.verified, true, cat!.message);
    assert.equal(cat!.line, read);
    await session.configurationDoneRequest();
    await session.written('$ ');
  });

  it(`${lab.name}: a step goes from read into sys_read and back`, async () => {
    await session.type('cat README');
    await stopped();
    const user = await names();
    assert.ok(user.includes('cat') && user.includes('main'), user.join(' < '));
    await setLines('user/cat.c');
    let place = await step('stepIn');
    assert.match(place, /^read user\/usys\.S/);
    place = await step('stepIn');
    assert.match(place, /^sys_read kernel\/sysfile\.c/);
    const both = await names();
    assert.ok(both.includes('usertrap') && both.includes('cat'), both.join(' < '));
    place = await step('stepOut');
    assert.match(place, /^read user\/usys\.S/);
    place = await step('stepOut');
    assert.match(place, /^cat user\/cat\.c/);
    for (let count = 0; count < 4; count++) assert.match(await step('next'), /^cat user\/cat\.c/);
    const from = session.console.length;
    await session.continueRequest({ threadId: 1 });
    await session.written('$ ', from);
  });

  it(`${lab.name}: a breakpoint in the shell hits in its child, and a step follows exec`, async () => {
    const exec = lineOf('user/sh.c', /^ {4}exec\(ecmd->argv\[0\], ecmd->argv\);/);
    const [placed] = await setLines('user/sh.c', exec);
    assert.equal(placed!.line, exec);
    await session.type('echo hello');
    await stopped();
    assert.equal((await names())[0], 'runcmd');
    await setLines('user/sh.c');
    assert.match(await step('next'), /^(main user\/echo\.c|(_main|_?start) (user\/ulib\.c|user\/start\.S))/);
    const from = session.console.length;
    await session.continueRequest({ threadId: 1 });
    await session.written('hello', from);
    await session.written('$ ', from);
  });

  it(`${lab.name}: modules are the kernel and its programs`, async () => {
    const { body } = (await session.customRequest('modules', {})) as DebugProtocol.ModulesResponse;
    const all = body.modules.map(({ name }) => name);
    for (const name of ['kernel', 'sh', 'cat', 'init', 'usertests']) assert.ok(all.includes(name), all.join(' '));
    assert.ok(body.modules.every(({ symbolStatus }) => symbolStatus === 'Symbols loaded.'));
  });
});
