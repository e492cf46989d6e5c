import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { deviceTree, deviceTreeAddress } from './fdt';

const MIB = 1024 * 1024;

interface Parsed {
  properties: Map<string, Uint8Array>;
  children: Map<string, Parsed>;
}

/** A reader written from section 5 of the Devicetree Specification, apart from the writer. */
function parse(tree: Uint8Array): Parsed {
  const view = new DataView(tree.buffer, tree.byteOffset, tree.length);
  const [magic, total, structure, strings, reserved, version, compatible] = Array.from({ length: 7 }, (_, index) =>
    view.getUint32(4 * index),
  ) as [number, number, number, number, number, number, number];
  assert.deepEqual([magic, total, version, compatible], [0xd00dfeed, tree.length, 17, 16]);
  assert.equal(reserved % 8, 0);
  assert.deepEqual([view.getBigUint64(reserved), view.getBigUint64(reserved + 8)], [0n, 0n]);
  const text = (at: number): string => Buffer.from(tree.subarray(at, tree.indexOf(0, at))).toString('latin1');
  let at = structure;
  const token = (): number => view.getUint32((at += 4) - 4);
  const align = (): number => (at = (at + 3) & ~3);
  function node(): [string, Parsed] {
    const name = text(at);
    at += name.length + 1;
    align();
    const parsed: Parsed = { properties: new Map(), children: new Map() };
    for (;;) {
      switch (token()) {
        case 1: {
          const [childName, child] = node();
          assert.ok(!parsed.children.has(childName), `${childName} twice`);
          parsed.children.set(childName, child);
          break;
        }
        case 2:
          return [name, parsed];
        case 3: {
          const length = token();
          const property = text(strings + token());
          parsed.properties.set(property, tree.subarray(at, at + length));
          at += length;
          align();
          break;
        }
        default:
          assert.fail(`unknown token before ${at}`);
      }
    }
  }
  assert.equal(token(), 1);
  const [, root] = node();
  assert.equal(token(), 9);
  assert.equal(at, strings);
  return root;
}

function find(root: Parsed, path: string): Parsed {
  return path.split('/').reduce((node, name) => node.children.get(name) ?? assert.fail(`no ${name} of ${path}`), root);
}

function cells(node: Parsed, property: string): number[] {
  const bytes = node.properties.get(property) ?? assert.fail(`no ${property}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(4 * index));
}

function text(node: Parsed, property: string): string {
  return Buffer.from(node.properties.get(property) ?? assert.fail(`no ${property}`)).toString('latin1');
}

describe('deviceTree', () => {
  it('describes memory, harts and the clock', () => {
    const root = parse(deviceTree({ harts: 3, memory: 3 * 1024 * MIB }));
    assert.deepEqual(cells(find(root, 'memory@80000000'), 'reg'), [0, 0x80000000, 0, 0xc0000000]);
    assert.deepEqual(cells(find(root, 'cpus'), 'timebase-frequency'), [10_000_000]);
    assert.deepEqual([...find(root, 'cpus').children.keys()], ['cpu@0', 'cpu@1', 'cpu@2', 'cpu-map']);
    const cores = find(root, 'cpus/cpu-map/cluster0').children;
    assert.deepEqual(
      [...cores.values()].map((core) => cells(core, 'cpu')),
      [0, 1, 2].map((id) => cells(find(root, `cpus/cpu@${id}`), 'phandle')),
    );
    const hart = find(root, 'cpus/cpu@2');
    assert.deepEqual(cells(hart, 'reg'), [2]);
    assert.equal(text(hart, 'riscv,isa'), 'rv64imafdc_zicsr_zifencei_zihintpause_zba_zbb_zbc_zbs_sstc\0');
    assert.equal(text(hart, 'mmu-type'), 'riscv,sv39\0');
  });

  it('tells a kernel its command line and where its RAM disk lies, and nothing of them if there are none', () => {
    const chosen = (options: object): Parsed =>
      find(parse(deviceTree({ harts: 1, memory: 128 * MIB, ...options })), 'chosen');
    const told = chosen({ commandLine: 'root=/dev/vda é', initrd: { address: 0x84200000n, size: 0x1234 } });
    assert.equal(Buffer.from(told.properties.get('bootargs')!).toString(), 'root=/dev/vda é\0');
    assert.deepEqual(cells(told, 'linux,initrd-start'), [0x84200000]);
    assert.deepEqual(cells(told, 'linux,initrd-end'), [0x84201234]);
    assert.deepEqual([...chosen({ commandLine: '' }).properties.keys()], ['stdout-path']);
  });

  it('wires every device to the controller that takes its interrupt', () => {
    const root = parse(deviceTree({ harts: 2, memory: 128 * MIB }));
    const [plic] = cells(find(root, 'soc/plic@c000000'), 'phandle');
    const harts = [0, 1].map((hart) => cells(find(root, `cpus/cpu@${hart}/interrupt-controller`), 'phandle')[0]);
    assert.deepEqual(cells(find(root, 'soc/plic@c000000'), 'interrupts-extended'), [
      ...[harts[0], 11, harts[0], 9],
      ...[harts[1], 11, harts[1], 9],
    ]);
    assert.deepEqual(cells(find(root, 'soc/clint@2000000'), 'interrupts-extended'), [
      ...[harts[0], 3, harts[0], 7],
      ...[harts[1], 3, harts[1], 7],
    ]);
    for (const [name, source] of [
      ['serial@10000000', 10],
      ['rtc@101000', 11],
      ['virtio_mmio@10001000', 1],
      ['virtio_mmio@10008000', 8],
    ] as const) {
      const node = find(root, `soc/${name}`);
      assert.deepEqual([cells(node, 'interrupts'), cells(node, 'interrupt-parent')], [[source], [plic]], name);
    }
  });

  it('names the console and the ways out', () => {
    const root = parse(deviceTree({ harts: 1, memory: 128 * MIB }));
    assert.equal(text(find(root, 'chosen'), 'stdout-path'), '/soc/serial@10000000\0');
    const finisher = cells(find(root, 'soc/test@100000'), 'phandle');
    for (const [name, word] of [
      ['poweroff', 0x5555],
      ['reboot', 0x7777],
    ] as const)
      assert.deepEqual([cells(find(root, name), 'regmap'), cells(find(root, name), 'value')], [finisher, [word]]);
  });

  it('is accepted by dtc without a warning', function () {
    if (spawnSync('dtc', ['--version']).error) {
      console.log('      skipped: dtc is not on the PATH (Debian package device-tree-compiler)');
      this.skip();
    }
    for (const harts of [1, 3, 8]) {
      const input = deviceTree({ harts, memory: 128 * MIB });
      const result = spawnSync('dtc', ['-I', 'dtb', '-O', 'dtb'], { input });
      assert.deepEqual([result.status, result.stderr.toString()], [0, '']);
    }
    assert.match(
      execFileSync('dtc', ['-q', '-I', 'dtb'], { input: deviceTree({ harts: 1, memory: MIB }) }).toString(),
      /soc \{/,
    );
  });
});

describe('deviceTreeAddress', () => {
  it('is where QEMU 7.2 puts it', () => {
    assert.equal(deviceTreeAddress(128 * MIB, 5000), 0x87e00000n);
    assert.equal(deviceTreeAddress(3 * 1024 * MIB, 5000), 0xbfe00000n);
  });

  it('lies inside a memory of one or two MiB', () => {
    for (const memory of [MIB, 2 * MIB]) {
      const address = Number(deviceTreeAddress(memory, 5001));
      assert.equal(address % 8, 0);
      assert.ok(address > 0x80000000 && address + 5001 <= 0x80000000 + memory);
      assert.ok(address > 0x80000000 + memory - 5020);
    }
  });
});
