import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import {
  LabError,
  makesKernel,
  readCompilers,
  readMachine,
  readRenewal,
  saysNoToolchain,
  splitWords,
} from './lab-makefile';

const COMPILE = 'riscv64-unknown-elf-gcc -Wall -Werror -O -mcmodel=medany -c -o kernel/start.o kernel/start.c\n';
const MODERN =
  'qemu-system-riscv64 -machine virt -bios none -kernel kernel/kernel -m 128M -smp 3 -nographic ' +
  '-global virtio-mmio.force-legacy=false -drive file=fs.img,if=none,format=raw,id=x0 ' +
  '-device virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0\n';

describe('lab Makefile', () => {
  it('reads the machine of a lab of 2022 and later', () => {
    assert.deepEqual(readMachine(COMPILE + MODERN), {
      kernel: 'kernel/kernel',
      disk: 'fs.img',
      diskSlot: 0,
      snapshot: false,
      harts: 3,
      memory: '128M',
      legacyVirtio: false,
      ignored: [],
    });
  });

  it('reads what boots with the kernel: firmware, a RAM disk and a command line', () => {
    const { bios, initrd, append, ignored } = readMachine(
      MODERN.replace('-bios none', '-bios fw_jump.elf -initrd initrd.img -append "root=/dev/vda quiet"'),
    );
    assert.deepEqual([bios, initrd, append, ignored], ['fw_jump.elf', 'initrd.img', 'root=/dev/vda quiet', []]);
    assert.equal(readMachine(MODERN.replace('-bios none', '-bios default')).bios, 'default');
    assert.equal(readMachine(MODERN.replace('-bios none', '-bios default -bios none')).bios, undefined);
    const loader = '-device loader,file=os.bin,addr=0x80200000';
    assert.deepEqual(readMachine(`${MODERN.trim()} ${loader}`).ignored, [loader]);
  });

  it('takes legacy virtio where nothing is said, and 3G where it is asked', () => {
    const machine = readMachine(
      'qemu-system-riscv64 -machine virt -bios none -kernel kernel/kernel -m 3G -smp 1 -nographic -drive file=fs.img,if=none,format=raw,id=x0 -device virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0',
    );
    assert.equal(machine.legacyVirtio, true);
    assert.equal(machine.memory, '3G');
    assert.equal(machine.harts, 1);
  });

  it('reads the network of the net lab, and names what it has no counterpart for', () => {
    const machine = readMachine(
      MODERN.trim() +
        ' -netdev user,id=net0,hostfwd=udp::25999-:2000 -object filter-dump,id=net0,netdev=net0,file=packets.pcap -device e1000,netdev=net0,bus=pcie.0\n',
    );
    assert.equal(machine.disk, 'fs.img');
    assert.deepEqual(machine.network, ['udp::25999-:2000']);
    assert.deepEqual(machine.ignored, ['-object filter-dump,id=net0,netdev=net0,file=packets.pcap']);
    const others = readMachine(MODERN.trim() + ' -netdev tap,id=t0 -device e1000,netdev=t0');
    assert.deepEqual([others.network, others.ignored], [[], ['-netdev tap,id=t0']]);
    const two = 'user,hostfwd=udp::1-:2,id=n,hostfwd=tcp::3-:4';
    assert.deepEqual(readMachine(`${MODERN.trim()} -device e1000,netdev=n -netdev ${two}`).network, [
      'udp::1-:2',
      'tcp::3-:4',
    ]);
    assert.equal(readMachine(`${MODERN.trim()} -netdev user,id=n`).network, undefined);
  });

  it('takes the drive that the block device is given, not the first', () => {
    const machine = readMachine(
      'qemu-system-riscv64 -kernel k -drive file=spare.img,if=none,id=x1 -drive file=fs.img,if=none,id=x0 -device virtio-blk-device,drive=x0',
    );
    assert.equal(machine.disk, 'fs.img');
  });

  it('puts the disk where QEMU puts it, and names what the guest of QEMU would not see', () => {
    const device = (text: string) => readMachine(MODERN.replace(/-device .*/, text));
    const blk = '-device virtio-blk-device,drive=x0';
    assert.equal(device(`${blk},bus=virtio-mmio-bus.3`).diskSlot, 3);
    assert.equal(device(blk).diskSlot, 7);
    // Devices that are not there have taken their slots.
    const net = '-netdev user,id=n0 -device virtio-net-device,netdev=n0';
    assert.equal(device(`${net} ${blk}`).diskSlot, 6);
    assert.equal(device(`${net},bus=virtio-mmio-bus.2 ${blk}`).diskSlot, 7);
    const second = device(
      `${blk},bus=virtio-mmio-bus.0 -drive file=b.img,if=none,id=x1 -device virtio-blk-device,drive=x1`,
    );
    assert.equal(second.disk, 'fs.img');
    assert.deepEqual(second.ignored, [
      '-device virtio-blk-device,drive=x1',
      '-drive file=b.img, which no virtio-blk-device uses',
    ]);
    for (const other of ['', '-device virtio-blk-pci,drive=x0']) {
      const { disk, ignored } = device(other);
      assert.deepEqual([disk, ignored.at(-1)], [undefined, '-drive file=fs.img, which no virtio-blk-device uses']);
    }
    for (const wrong of ['virtio-mmio-bus.8', 'pcie.0', ''])
      assert.throws(() => device(`${blk},bus=${wrong}`), LabError);
    assert.throws(() => device(`${blk},bus=virtio-mmio-bus.0 ${blk},bus=virtio-mmio-bus.0`), LabError);
    assert.throws(() => device('-device virtio-blk-device,drive=x9'), LabError);
  });

  it('sees that the disk is to stay as it is, of the machine or of the drive in use', () => {
    const snapshot = (text: string): boolean => readMachine(text).snapshot;
    assert.equal(snapshot(`${MODERN.trim()} -snapshot\n`), true);
    assert.equal(snapshot(MODERN.replace('id=x0', 'id=x0,snapshot=on')), true);
    assert.equal(snapshot(MODERN.replace('id=x0', 'id=x0,snapshot=off')), false);
    assert.equal(snapshot(`${MODERN.trim()} -drive file=other.img,id=x1,snapshot=on\n`), false);
  });

  it('reads continued lines, quotes, and a path before the program', () => {
    const machine = readMachine(
      '/opt/riscv/bin/qemu-system-riscv64 -machine virt \\\n  -kernel "my kernel/kernel" -m size=256M,slots=1 -smp cpus=2\n',
    );
    assert.deepEqual([machine.kernel, machine.memory, machine.harts], ['my kernel/kernel', '256M', 2]);
    assert.equal(machine.disk, undefined);
  });

  it('counts a bare -m in MiB, as QEMU does', () => {
    assert.equal(readMachine('qemu-system-riscv64 -kernel k -m 64').memory, '64M');
  });

  it('refuses what no machine can be made of, and says what it saw', () => {
    assert.throws(() => readMachine("make: Nothing to be done for 'qemu'.\n"), /no line that runs qemu-system-riscv64/);
    assert.throws(() => readMachine('qemu-system-riscv64 -kernel k -smp 64'), /-smp 64.*1 to 8/);
    assert.throws(() => readMachine('qemu-system-riscv64 -kernel k -smp'), /-smp has no value/);
    assert.throws(() => readMachine('qemu-system-riscv64 -kernel k -m lots'), /-m lots is not a size/);
  });

  it('never fails but with a LabError, whatever make prints', () => {
    const word = fc.oneof(
      fc.constantFrom('qemu-system-riscv64', '-kernel', '-m', '-smp', '-drive', '-device', '-global', '"', "'", '\\\n'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        try {
          const machine = readMachine(words.join(' '));
          assert.ok(machine.harts >= 1 && machine.harts <= 8);
        } catch (error) {
          assert.ok(error instanceof LabError);
        }
      }),
    );
  });

  it('finds the compilers that would run, and which of them are for RISC-V', () => {
    const printed =
      COMPILE + COMPILE + 'gcc -Werror -Wall -I. -o mkfs/mkfs mkfs/mkfs.c\nperl user/usys.pl > user/usys.S\n' + MODERN;
    assert.deepEqual(readCompilers(printed), [
      { program: 'riscv64-unknown-elf-gcc', cross: true },
      { program: 'gcc', cross: false },
    ]);
    assert.deepEqual(readCompilers(MODERN), []);
    // With no toolchain found, xv6's Makefiles call plain gcc for the kernel too.
    assert.deepEqual(
      readCompilers('gcc -Wall -I. -o mkfs/mkfs m.c\ngcc -Wall -mcmodel=medany -c -o kernel/start.o kernel/start.c'),
      [{ program: 'gcc', cross: true }],
    );
  });

  it("knows the words of xv6's Makefile when there is no toolchain", () => {
    assert.ok(saysNoToolchain("***\n*** Error: Couldn't find a riscv64 version of GCC/binutils.\n"));
    assert.ok(!saysNoToolchain('make: *** No rule to make target'));
  });

  it('sees that make qemu takes the old disk image away, and by which commands', () => {
    const before = (recipes: string) => readRenewal(`${recipes}\n${MODERN}`, 'fs.img');
    assert.deepEqual(before(`mv -f fs.img fs.img.bk\n${COMPILE}`), ['mv -f fs.img fs.img.bk']);
    assert.deepEqual(before('rm -f fs.img packets.pcap\n'), ['rm -f fs.img packets.pcap']);
    assert.deepEqual(before('rm -f packets.pcap\nmv new.img fs.img\nmkfs/mkfs fs.img README'), []);
    // QEMU may be asked for its version before.
    assert.deepEqual(before('qemu-system-riscv64 --version\nrm -f fs.img'), ['rm -f fs.img']);
    // What the shell would have to make sense of stays make's own affair.
    assert.deepEqual(before('rm -f fs.img; touch $(HOME)/x\n'), []);
    assert.deepEqual(readRenewal(`${MODERN}rm -f fs.img\n`, 'fs.img'), []);
    assert.deepEqual(readRenewal('rm -f fs.img\n', 'fs.img'), []);
  });

  it('recognizes a lab by its Makefile', () => {
    assert.ok(makesKernel('K=kernel\nU=user\n$K/kernel: $(OBJS) $K/kernel.ld\n\t$(LD) -o $K/kernel\n'));
    assert.ok(makesKernel('all: kernel/kernel fs.img\n'));
    assert.ok(!makesKernel('kernel: kernel.o\n\tld -o kernel\n'));
    assert.ok(!makesKernel('K=src\n$K/kernel:\n'));
  });

  it('looks at a Makefile of any size, whatever is in it, in no time', function () {
    // With the square of the size one of them takes minutes.
    this.timeout(60_000);
    for (const filling of ['\n', ' ', '\t\n', 'K', 'K \n', 'K =', 'kernel ', '$', '${K}', '\\\n'])
      assert.ok(!makesKernel(filling.repeat(500_000)), JSON.stringify(filling));

    assert.ok(makesKernel(`${'\n'.repeat(100_000)}  K := kernel \r\n\${K}/kernel:\r\n`));
  });

  it('splits words as the shell does', () => {
    assert.deepEqual(splitWords(`a 'b c' "d \\"e" f\\ g h'i'"j"`), ['a', 'b c', 'd "e', 'f g', 'hij']);
  });
});
