/** A panic that a variable decided: the story of the stop has who wrote that one last, and of locks who took them. */
import { strict as assert } from 'node:assert';
import { storyOf } from '../story';
import { lineOf, sessions } from '../support';

describe('the story of a panic that a variable decided', function () {
  this.timeout(120_000);
  const current = sessions();

  const evaluate = async (expression: string): Promise<string> => {
    const { id: frameId } = (await current().stack())[0]!;
    return (await current().evaluateRequest({ expression, context: 'repl', frameId })).body.result;
  };

  /** Goes on to the first of these calls, and stands at its beginning, in this caller. */
  async function goTo(functions: readonly string[], caller?: string): Promise<void> {
    const breakpoints = functions.map((name) => ({ name }));
    await current().setFunctionBreakpointsRequest({ breakpoints });
    do await current().goOn();
    while (caller !== undefined && (await current().stack())[1]!.name !== caller);
  }

  /** Goes on to the panic, and returns what is said of it first. */
  async function lead(panic: string): Promise<string> {
    await current().setFunctionBreakpointsRequest({ breakpoints: [] });
    const { description } = await current().goOn();
    assert.equal(description, `panic: ${panic}`);
    return (await storyOf(current())).lead;
  }

  /** Stands at the first call of a function, or the first for a line that is typed. */
  async function boot(name: string, line?: string): Promise<void> {
    await current().boot({ functions: line === undefined ? [name] : [], filters: ['panic'], harts: 1 });
    if (line !== undefined) {
      await current().written('$ ');
      await current().setFunctionBreakpointsRequest({ breakpoints: [{ name }] });
      await current().type(line);
    }
    await current().stopped();
  }
  const at = (file: string, line: RegExp): string => `${file}\\.c:${lineOf(`kernel/${file}.c`, line)}`;
  const noff = at('sched', /noff != 1/);

  it('has the line that took a lock which is taken again', async () => {
    await boot('filedup');
    await goTo(['release'], 'filedup');
    await evaluate('$pc = $ra');
    await goTo(['filedup', 'fileclose', 'filealloc']);
    const text = await lead('acquire');
    assert.match(
      text,
      new RegExp(
        `^At ${at('spinlock', /^  if \(holding/)}, acquire went to panic, as holding had returned 1: ftable\\.lock\\.cpu was &cpus\\[0\\]\\.$`,
        'm',
      ),
    );
    assert.match(
      text,
      new RegExp(
        `^ftable\\.lock\\.cpu was written last by acquire\\S* at spinlock\\.c:\\d+, called by filedup at file\\.c:\\d+, called by \\w+ at \\w+\\.c:\\d+, for pid 1 init, .* ago$`,
        'm',
      ),
    );
  });

  it('has who took the locks that a hart still holds, the one that was taken first before the others', async () => {
    await boot('exit', 'echo hi');
    await goTo(['release'], 'exit');
    await evaluate('$pc = $ra');
    const lines = (await lead('sched: other locks held')).split('\n');
    assert.match(lines[0]!, new RegExp(`^At ${noff}, sched went to panic, as cpus\\[0\\]\\.noff was 0x2\\.$`));
    for (const [index, lock] of ['wait_lock', 'proc\\[2\\]\\.lock'].entries()) {
      assert.match(
        lines[index + 1]!,
        new RegExp(
          `^${lock}, which hart 0 holds, was taken last by acquire\\S* at spinlock\\.c:\\d+, ` +
            'called by exit at proc\\.c:\\d+, called by sys_exit at sysproc\\.c:\\d+, for pid 3 echo, .* ago$',
        ),
      );
    }
  });

  it('has no locks where these are not what was counted', async () => {
    await boot('sched');
    await evaluate('cpus[0].noff = 5');
    const text = await lead('sched: other locks held');
    assert.match(text, new RegExp(`^At ${noff}, sched went to panic, as cpus\\[0\\]\\.noff was 0x5\\.$`, 'm'));
    assert.match(text, /^cpus\[0\]\.noff was written last by pop_off\S* at spinlock\.c:\d+, called by /m);
    assert.doesNotMatch(text, /which hart 0 holds/);
  });

  it('has the debugger, and not whoever wrote before', async () => {
    await boot('fileclose', 'ls');
    await evaluate('f->ref = 0');
    const text = await lead('fileclose');
    assert.match(text, /^At file\.c:\d+, fileclose went to panic, as ftable\.file\[\d\]\.ref was 0x0\.$/m);
    assert.match(text, /^ftable\.file\[\d\]\.ref was written last by the debugger, .* ago$/m);
  });

  it('has the line that closed a file which is closed again', async () => {
    await boot('sys_close', 'wc README');
    await goTo(['fileclose']);
    const closed = await evaluate('(unsigned long)f');
    await goTo(['fileclose']);
    await evaluate(`$a0 = ${closed}`);
    const text = await lead('fileclose');
    assert.match(text, /^At file\.c:\d+, fileclose went to panic, as ftable\.file\[\d\]\.ref was 0x0\.$/m);
    assert.match(
      text,
      /^ftable\.file\[\d\]\.ref was written last by fileclose\S* at file\.c:\d+, called by sys_close at sysfile\.c:\d+, called by syscall at /m,
    );
  });

  it('says that nobody has ever written it', async () => {
    await boot('release');
    await evaluate('$a0 = &proc[60].name');
    const text = await lead('release');
    assert.match(text, /release went to panic, as holding had returned 0: proc\[60\]\.name\[0\] was 0x0\.$/m);
    assert.match(text, /^Nothing has written proc\[60\]\.name\[0\] since the past of this run begins\.?$/m);
  });
});
