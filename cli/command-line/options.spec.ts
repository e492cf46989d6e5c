import assert from 'node:assert/strict';
import { UsageError, parseList } from './option-values';
import { readBoot } from './boot-options';
import { answerTo } from './option-words';
import { type RunOptions, parseCommandLine } from './options';

const MIB = 1 << 20;

function run(line: string): RunOptions {
  const parsed = parseCommandLine(line.split(' ').filter((word) => word !== ''));
  assert.equal(parsed.action, 'run');
  return parsed as RunOptions;
}
const refuses = (line: string, message: RegExp): void => {
  assert.throws(
    () => run(line),
    (error: unknown) => error instanceof UsageError && message.test(error.message),
    line,
  );
};

describe('the command line', () => {
  const disk = '-drive file=fs.img,if=none,format=raw,id=x0 -device virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0';

  it('takes what the labs of 2022 and later print', () => {
    const options = run(
      `-machine virt -bios none -kernel kernel/kernel -m 128M -smp 3 -nographic -global virtio-mmio.force-legacy=false ${disk}`,
    );
    assert.equal(options.kernel, 'kernel/kernel');
    assert.equal(options.memory, 128 * MIB);
    assert.equal(options.harts, 3);
    assert.equal(options.legacyVirtio, false);
    assert.deepEqual(options.drive, { file: 'fs.img', readOnly: false, snapshot: false });
    assert.deepEqual(options.warnings, []);
  });

  it('takes those of 2019, with 3G and legacy virtio', () => {
    const options = run(`-machine virt -bios none -kernel k -m 3G -smp 1 -nographic ${disk}`);
    assert.equal(options.memory, 3072 * MIB);
    assert.equal(options.legacyVirtio, undefined);
  });

  it('takes a network as the net labs have it', () => {
    const { network, warnings } = run(
      '-netdev user,id=net0,hostfwd=udp::25999-:2000,hostfwd=udp::30999-:2001 -device e1000,netdev=net0,bus=pcie.0' +
        ' -object filter-dump,id=net0,netdev=net0,file=packets.pcap',
    );
    const ports = network?.forwards.map(({ protocol, hostPort, guest }) => [protocol, hostPort, guest.port]);
    assert.deepEqual(ports, [
      ['udp', 25999, 2000],
      ['udp', 30999, 2001],
    ]);
    assert.equal(network?.isRestricted, false);
    assert.deepEqual(
      network.captures.map(({ file }) => file),
      ['packets.pcap'],
    );
    assert.deepEqual(warnings, []);
    assert.equal(run('-netdev user,id=a,restrict=on -device e1000,netdev=a').network?.isRestricted, true);
  });

  it('knows no other network, and none that contradicts itself', () => {
    refuses('-netdev tap,id=n', /-netdev tap: there is only/);
    refuses('-netdev user,id=n,hostfwd=udp:0.0.0.0:1-:1', /only forwarded from 127\.0\.0\.1/);
    refuses('-netdev user,id=n,smb=/', /"smb" is not known/);
    refuses('-device e1000,netdev=n', /no -netdev has id=n/);
    refuses('-device e1000,bus=pcie.1', /one PCIe bus/);
    refuses('-object filter-dump,netdev=n,file=f', /no -netdev has id=n/);
    refuses('-object rng-random,id=r', /-object rng-random/);
    assert.match(run('-netdev user,id=n').warnings.join(), /no -device e1000 uses it/);
    assert.match(run('-device e1000').warnings.join(), /cable is not plugged in/);
  });

  it('takes one dash or two, and other spellings of the same', () => {
    assert.equal(run('--smp cpus=4').harts, 4);
    assert.equal(run('-m 256').memory, 256 * MIB);
    assert.equal(run('-m size=64M').memory, 64 * MIB);
    assert.equal(run('-M virt -cpu rv64 -serial mon:stdio -display none -monitor none').kernel, undefined);
    assert.equal(run('-global virtio-mmio.force-legacy=on').legacyVirtio, true);
    assert.equal(run(`-snapshot ${disk}`).drive?.snapshot, true);
    assert.equal(run('-serial none').console, false);
  });

  it('serves gdb on a port of this computer only', () => {
    assert.equal(run('-s').gdbPort, 1234);
    for (const device of [
      'tcp::26000',
      'tcp:127.0.0.1:26000',
      'tcp:localhost:26000',
      'tcp::26000,server=on,wait=off',
    ]) {
      const { gdbPort, halted } = run(`-S -gdb ${device}`);
      assert.deepEqual([gdbPort, halted], [26000, true]);
    }
    assert.equal(run('-gdb none').gdbPort, undefined);
    for (const device of ['tcp::0', 'tcp::65536', 'tcp:0.0.0.0:1234', 'tcp:example.org:1234', 'stdio', 'unix:/tmp/gdb'])
      refuses(`-gdb ${device}`, /gdb is served on a port of this computer only/);
  });

  it('reads commas in file names as QEMU does', () => {
    assert.deepEqual(
      [...parseList('file=a,,b,if=none', 'file')],
      [
        ['file', 'a,b'],
        ['if', 'none'],
      ],
    );
    assert.deepEqual(
      [...parseList('virt,acpi', 'type')],
      [
        ['type', 'virt'],
        ['acpi', 'on'],
      ],
    );
  });

  it('has options for scripts', () => {
    const options = run('--script s --timeout 1.5 --stats out.json --seed 7');
    assert.equal(options.script, 's');
    assert.equal(options.timeout, 1.5);
    assert.equal(options.stats, 'out.json');
    assert.equal(options.seed, 7);
  });

  it('lets a tier be chosen, and has no use for accelerators of QEMU', () => {
    assert.equal(run('-nographic').acceleration, undefined);
    for (const tier of ['interp', 'jit', 'mixed'] as const) {
      assert.equal(run(`-accel ${tier}`).acceleration, tier);
      assert.deepEqual(run(`-machine virt -accel ${tier} -smp 3`).warnings, []);
    }
    assert.equal(run('-machine virt,accel=tcg').acceleration, undefined);
    for (const other of ['tcg', 'kvm', 'tcg,thread=multi', 'accel=tcg']) {
      const options = run(`-accel ${other}`);
      assert.equal(options.acceleration, undefined);
      assert.match(options.warnings[0]!, /-accel (tcg|kvm): ignored/);
    }
    assert.equal(run('-accel jit -accel tcg').acceleration, 'jit');
    assert.match(answerTo('-help')!, /^-accel interp\|jit\|mixed/m);
    refuses('-accel turbo', /-accel turbo: there is interp, jit, mixed/);
    refuses('-accel jit,thread=multi', /-accel jit: "thread" is not known/);
  });

  it('answers -help and --version before anything else goes wrong', () => {
    const help = answerTo('-help')!;
    assert.deepEqual(parseCommandLine(['-help', '-nonsense']), { action: 'answer', answer: help });
    assert.deepEqual(parseCommandLine(['-m', '1G', '--version']), { action: 'answer', answer: answerTo('-version') });
    assert.deepEqual([answerTo('-h'), answerTo('--help'), answerTo('-hello')], [help, help, undefined]);
    assert.match(help, /^-gdb /m);
    assert.match(help, /^-smp /m);
  });

  it('names what it does not know or have', () => {
    refuses('-vga std', /-vga: unknown option/);
    refuses('-S', /-S: .* add -s or -gdb/);
    refuses('-device rtl8139', /-device rtl8139/);
    refuses('-machine sifive_u', /sifive_u.*-machine virt/);
    refuses('-cpu rv32', /-cpu rv32/);
    refuses('-cpu rv64,v=true', /v=true/);
    refuses('kernel/kernel', /kernel\/kernel.*-kernel FILE/);
    refuses('constructor', /constructor/);
    refuses('-constructor', /-constructor: unknown option/);
  });

  it('takes firmware, and what a kernel is given with it, as QEMU does', () => {
    const { kernel, boot } = run('-bios fw.bin -kernel Image -initrd initrd.gz -append quiet');
    assert.deepEqual([kernel, boot.bios, boot.initrd, boot.append], ['Image', 'fw.bin', 'initrd.gz', 'quiet']);
    assert.equal(run('-bios default -bios none').boot.bios, undefined);
    const { loader } = run('-bios fw.bin -device loader,file=os.bin,addr=0x80200000').boot;
    assert.deepEqual(loader, { file: 'os.bin', address: 0x80200000n, isRaw: false });
    refuses('-append quiet', /-append quiet: it goes with -kernel only/);
    refuses('-bios fw.bin -initrd i', /-initrd i: it goes with -kernel only/);
    refuses('-device loader,addr=1', /no file=/);
    refuses('-device loader,file=f,addr=here', /addr=here: that is not an address; write 0x80200000/);
    refuses('-device loader,file=f,cpu-num=0', /"cpu-num" is not known/);
    refuses('-kernel k -device loader,file=f,addr=0x80200000', /in the place of -kernel/);
  });

  it('reads what boots: the ELF that a loader names is the kernel, anything else an image at its address', () => {
    const read = (line: string): unknown => {
      const { kernel, boot } = run(line);
      const fileOf = (file: string): Uint8Array => Buffer.from(file.endsWith('.elf') ? `\x7fELF${file}` : file);
      return readBoot(boot, kernel, fileOf, (bios) => `/found/${bios}`);
    };
    const bytes = (text: string): Uint8Array => Buffer.from(text);
    const none = new Uint8Array();
    const os = '-device loader,file=os';
    assert.deepEqual(read('-kernel k'), { kernel: bytes('k') });
    assert.deepEqual(read('-bios fw -kernel k -append x'), {
      kernel: bytes('k'),
      boot: { firmware: bytes('/found/fw'), commandLine: 'x' },
    });
    assert.deepEqual(read(`${os}.elf`), { kernel: bytes('\x7fELFos.elf') });
    const image = { bytes: bytes('\x7fELFos.elf'), address: 4096n };
    assert.deepEqual(read(`${os}.elf,addr=4096,force-raw=on`), { kernel: none, boot: { image } });
    assert.throws(() => read(os), /-device loader,file=os: no addr=/);
  });

  it('says what is wrong with a value', () => {
    refuses('-smp 9', /1 to 8/);
    refuses('-smp 0', /1 to 8/);
    refuses('-smp many', /not a number/);
    refuses('-m lots', /lots.*128M/);
    refuses('-m 4G', /1M to 3G/);
    refuses('-m 1K', /1M to 3G/);
    refuses('-kernel', /-kernel: needs an argument/);
    refuses('--timeout 0', /seconds above 0/);
    refuses('-global virtio-mmio.force-legacy=maybe', /maybe/);
    refuses('-drive file=f,if=none,format=qcow2,id=x0', /qcow2/);
    refuses('-drive file=f,format=raw', /if=none/);
    refuses('-drive file=f,if=none,colour=blue', /colour/);
    refuses('-device virtio-blk-device,drive=x9', /no -drive has id=x9/);
    refuses(
      disk.replace('bus.0', 'bus.8'),
      /bus=virtio-mmio-bus\.8: there are virtio-mmio-bus\.0 to virtio-mmio-bus\.7/,
    );
    refuses(disk.replace('virtio-mmio-bus.0', 'pcie.0'), /bus=pcie\.0: there are virtio-mmio-bus/);
    refuses(disk.replace('virtio-blk-device', 'virtio-blk-pci'), /virtio-blk-pci: the board has no such device/);
    refuses(`${disk} -device virtio-blk-device,drive=x0`, /the board takes one disk here/);
    refuses('-drive file=f,if=virtio,format=raw', /if=none/);
  });

  it('puts the disk where QEMU puts it: on the bus that is named, else in the last slot, with a word about xv6', () => {
    assert.deepEqual([run(disk).diskSlot, run(disk).warnings], [0, []]);
    const third = run(disk.replace('bus.0', 'bus.3'));
    assert.deepEqual([third.diskSlot, third.warnings], [3, []]);
    const last = run(disk.replace(',bus=virtio-mmio-bus.0', ''));
    assert.equal(last.diskSlot, 7);
    assert.match(
      last.warnings[0]!,
      /without bus=virtio-mmio-bus\.0 the disk is in slot 7, as in QEMU; xv6 looks in slot 0/,
    );
  });

  it('replays a recording, which decides by itself what runs', () => {
    const replays = (line: string): unknown => parseCommandLine(`--replay run ${line}`.trim().split(' '));
    const replay = { action: 'replay', file: 'run', goto: { kind: 'end' } };
    const unset = { acceleration: undefined, timeout: undefined, stats: undefined };
    assert.deepEqual(replays(''), { ...replay, ...unset });
    assert.deepEqual(replays('-accel jit --timeout 2 --stats s --goto 12'), {
      ...replay,
      ...{ goto: { kind: 'executed', instructions: 12 }, acceleration: 'jit', timeout: 2, stats: 's' },
    });
    assert.deepEqual(replays('-goto 12.5ms'), { ...replay, ...unset, goto: { kind: 'time', time: 1_250_000 } });
    assert.deepEqual(replays('-goto end'), { ...replay, ...unset });
    assert.deepEqual(replays('-goto bug'), { ...replay, ...unset, goto: { kind: 'bookmark', name: 'bug' } });
    assert.equal(run('--record run').record, 'run');
    assert.equal(run('--record-on-failure run').recordOnFailure, 'run');
    refuses('--goto 12', /--goto: it is for a recorded run/);
    for (const other of [
      '-kernel k',
      '-smp 3',
      disk,
      '-nographic',
      '--script s',
      '--record r',
      '--record-on-failure r',
      '--seed 1',
    ])
      refuses(`--replay run ${other}`, /a recording has its own machine, kernel, disk and input; leave it out/);
  });

  it('warns of what cannot matter', () => {
    assert.match(run('-cpu rv64,pmp=false').warnings[0]!, /pmp=false/);
    assert.match(run('-cpu rv64,zba=off').warnings[0]!, /have it all the same/);
    assert.deepEqual(run('-cpu rv64,m=true,Zicsr=on,v=false,h=off').warnings, []);
    assert.match(run('-accel tcg').warnings[0]!, /-accel/);
    assert.match(run('--trace events=events.txt').warnings[0]!, /-trace: ignored/);
    assert.match(run('-drive file=f,if=none,id=lost').warnings[0]!, /no -device uses it/);
  });
});
