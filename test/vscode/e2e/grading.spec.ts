/** The Testing view: the lab's own grade script, run on the emulator, and the recording of what failed. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../patience';
import { LabWindow, PREBUILT } from './window';

/** A grade script that prints as the course's library does. It boots what is built already. */
const SCRIPT = `#!/usr/bin/env python3
import subprocess, sys, time
TESTS = []
def test(points, title):
    def register(function):
        TESTS.append((title, function))
        return function
    return register
def boot(line):
    make = subprocess.Popen(['make', '-s', 'qemu'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    text, typed = '', False
    while not (typed and text.endswith('$ ')):
        byte = make.stdout.read(1).decode('utf-8', 'replace')
        if byte == '':
            break
        text += byte
        if text.endswith('$ ') and not typed:
            make.stdin.write((line + '\\n').encode())
            make.stdin.flush()
            typed, text = True, ''
    make.terminate()
    make.wait()
    return text

@test(5, "echo, says hello")
def test_echo():
    assert 'hello' in boot('echo hello'), 'MISSING hello'

@test(10, "ls, lists a file that is not there")
def test_ls():
    assert 'nowhere' in boot('ls'), "MISSING 'nowhere'"

failed = False
for title, function in TESTS:
    if len(sys.argv) > 1 and sys.argv[1] not in title:
        continue
    print('== Test %s == ' % title, end='', flush=True)
    try:
        function()
        print('%s: OK' % title)
    except AssertionError as error:
        failed = True
        print('%s: FAIL\\n    %s' % (title, error))
sys.exit(1 if failed else 0)
`;
/** What the script boots: nothing is built for it. */
const MAKEFILE = `QEMU = qemu-system-riscv64
kernel/kernel:
	@true
qemu:
	$(QEMU) -machine virt -bios none -kernel prebuilt/kernel -m 128M -smp 1 -nographic -global virtio-mmio.force-legacy=false \\
	  -drive file=prebuilt/fs.img,if=none,format=raw,id=x0,snapshot=on -device virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0
`;

describe('the Testing view', function () {
  this.timeout(240_000);
  const lab = new LabWindow(PREBUILT).use();
  const row = (title: string) =>
    lab.workbench.page.locator('.test-explorer .monaco-list-row').filter({ hasText: title });

  before(async () => {
    await writeFile(join(lab.folder, 'Makefile'), MAKEFILE);
    await writeFile(join(lab.folder, 'grade-lab-sample'), SCRIPT);
  });

  it('lists the tests of a grade script, and says which pass', async () => {
    const { workbench } = lab;
    await workbench.page.locator('.activitybar').getByRole('tab', { name: 'Testing' }).click();
    await workbench.command('Test: Refresh Tests');
    await eventually('the script', async () => (await row('grade-lab-sample').count()) === 1);
    await row('grade-lab-sample').locator('.monaco-tl-twistie').click();
    await eventually('its tests', async () => (await row('echo, says hello').count()) === 1);
    await workbench.command('Test: Run All Tests');
    await eventually(
      'a test that has passed',
      async () => (await row('echo, says hello').locator('.codicon-testing-passed-icon').count()) === 1,
    );
    await eventually(
      'one that has failed',
      async () => (await row('ls, lists').locator('.codicon-testing-failed-icon').count()) === 1,
    );
    await workbench.command('Test: Show Output');
    await workbench.see('the message', () => workbench.page.locator('body').innerText(), /MISSING 'nowhere'/);
    await lab.picture('testing');
  });

  it('opens the recording of one that is debugged and fails, where its run ended', async () => {
    const { workbench } = lab;
    await row('ls, lists').hover();
    await row('ls, lists').locator('.codicon-testing-debug-icon').click();
    await workbench.stopped();
    await workbench.see('the console', () => workbench.terminalText(), /\$ ls\s[^]*usertests/);
    await lab.picture('testing-recording');
  });
});
