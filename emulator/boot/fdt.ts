/**
 * The flattened device tree that tells a kernel or firmware what the board has: format version 17 of the Devicetree
 * Specification 0.4 (section 5), contents as QEMU 7.2 writes them for `virt` (hw/riscv/virt.c).
 */
import { MemoryMap, Source, TICKS_PER_SECOND, VIRTIO_SLOTS } from '../devices/memory-map';

/** The extensions a hart has. */
const HART_ISA = 'rv64imafdc_zicsr_zifencei_zihintpause_zba_zbb_zbc_zbs_sstc';

const MIB = 1024 * 1024;
const UART_CLOCK = 3_686_400;
const PLIC_SOURCES = 96;

const MAGIC = 0xd00dfeed;
const VERSION = 17;
const LAST_COMPATIBLE_VERSION = 16;
const HEADER_SIZE = 40;
const BEGIN_NODE = 1;
const END_NODE = 2;
const PROPERTY = 3;
const END = 9;

/** Interrupts of a hart by their number in mip. */
const HartInterrupt = { machineSoftware: 3, machineTimer: 7, supervisorExternal: 9, machineExternal: 11 };

/** Cells are 32 bits each; several strings follow one another; true is a property without a value. */
type Value = string | string[] | number[] | true;

interface Node {
  name: string;
  properties: Record<string, Value>;
  children?: Node[];
}

export interface TreeOptions {
  harts: number;
  /** Bytes of DRAM. */
  memory: number;
  /** The kernel's command line; none if it is empty. */
  commandLine?: string;
  /** Where the initial RAM disk lies, and how many bytes it has. */
  initrd?: { address: bigint; size: number };
}

export function deviceTree(options: TreeOptions): Uint8Array {
  return flatten(rootNode(options));
}

/**
 * Where QEMU puts the tree: at the highest multiple of 2 MiB at which it fits in DRAM below 3 GiB. If DRAM is too small
 * for that, at its end.
 */
export function deviceTreeAddress(memory: number, length: number): bigint {
  const dram = MemoryMap.dram.base;
  const last = Math.min(dram + memory, 3072 * MIB) - length;
  const preferred = last - (last % (2 * MIB));
  return BigInt(preferred > dram ? preferred : last - (last % 8));
}

function rootNode({ harts, memory, commandLine, initrd }: TreeOptions): Node {
  const finisher = 1;
  const plic = 2;
  const hartController = (hart: number): number => 3 + 2 * hart;
  const hartPhandle = (hart: number): number => hartController(hart) + 1;
  const hartInterrupts = (...interrupts: number[]): number[] =>
    Array.from({ length: harts }, (_, hart) => interrupts.flatMap((each) => [hartController(hart), each])).flat();
  const uart = at('serial', MemoryMap.uart.base);

  return {
    name: '',
    properties: {
      '#address-cells': [2],
      '#size-cells': [2],
      compatible: 'riscv-virtio',
      model: 'riscv-virtio,qemu',
    },
    children: [
      {
        name: 'chosen',
        properties: {
          'stdout-path': `/soc/${uart}`,
          ...(initrd && initrdProperties(Number(initrd.address), initrd.size)),
          ...(commandLine && { bootargs: commandLine }),
        },
      },
      {
        name: at('memory', MemoryMap.dram.base),
        properties: { device_type: 'memory', reg: region(MemoryMap.dram.base, memory) },
      },
      cpusNode(harts, hartPhandle, hartController),
      { name: 'poweroff', properties: sysconProperties('syscon-poweroff', finisher, 0x5555) },
      { name: 'reboot', properties: sysconProperties('syscon-reboot', finisher, 0x7777) },
      {
        name: 'soc',
        properties: { '#address-cells': [2], '#size-cells': [2], compatible: 'simple-bus', ranges: true },
        children: [
          device('test', MemoryMap.finisher, ['sifive,test1', 'sifive,test0', 'syscon'], { phandle: [finisher] }),
          device('rtc', MemoryMap.rtc, 'google,goldfish-rtc', interrupt(plic, Source.rtc)),
          device('clint', MemoryMap.clint, ['sifive,clint0', 'riscv,clint0'], {
            'interrupts-extended': hartInterrupts(HartInterrupt.machineSoftware, HartInterrupt.machineTimer),
          }),
          device('plic', MemoryMap.plic, ['sifive,plic-1.0.0', 'riscv,plic0'], {
            '#address-cells': [0],
            '#interrupt-cells': [1],
            'interrupt-controller': true,
            'interrupts-extended': hartInterrupts(HartInterrupt.machineExternal, HartInterrupt.supervisorExternal),
            'riscv,ndev': [PLIC_SOURCES],
            phandle: [plic],
          }),
          pciNode(plic),
          device('serial', MemoryMap.uart, 'ns16550a', {
            'clock-frequency': [UART_CLOCK],
            ...interrupt(plic, Source.uart),
          }),
          ...Array.from({ length: VIRTIO_SLOTS }, (_, slot) => {
            const { base, size } = MemoryMap.virtio;
            const place = { base: base + slot * size, size };
            return device('virtio_mmio', place, 'virtio,mmio', interrupt(plic, Source.virtio + slot));
          }),
        ],
      },
    ],
  };
}

/** The harts, each with its own controller of interrupts, and a map of them: a hart is a core of one cluster. */
function cpusNode(harts: number, phandle: (hart: number) => number, controller: (hart: number) => number): Node {
  const ids = Array.from({ length: harts }, (_, hart) => hart);
  const cores = ids.map((hart) => ({ name: `core${hart}`, properties: { cpu: [phandle(hart)] } }));
  return {
    name: 'cpus',
    properties: { '#address-cells': [1], '#size-cells': [0], 'timebase-frequency': [TICKS_PER_SECOND] },
    children: [
      ...ids.map((hart) => hartNode(hart, phandle(hart), controller(hart))),
      { name: 'cpu-map', properties: {}, children: [{ name: 'cluster0', properties: {}, children: cores }] },
    ],
  };
}

function hartNode(hart: number, phandle: number, controller: number): Node {
  const interrupts = {
    '#address-cells': [0],
    '#interrupt-cells': [1],
    'interrupt-controller': true as const,
    compatible: 'riscv,cpu-intc',
    phandle: [controller],
  };
  return {
    name: at('cpu', hart),
    properties: {
      device_type: 'cpu',
      phandle: [phandle],
      reg: [hart],
      status: 'okay',
      compatible: 'riscv',
      'riscv,isa': HART_ISA,
      'mmu-type': 'riscv,sv39',
    },
    children: [{ name: 'interrupt-controller', properties: interrupts }],
  };
}

/** The host bridge, with the source of each pin of each slot, which repeat after four slots. */
function pciNode(plic: number): Node {
  const { pciePorts, pcieEcam, pcieWindow } = MemoryMap;
  const places = Array.from({ length: 16 }, (_, index) => [index >> 2, index & 3] as const);
  return {
    name: at('pci', pcieEcam.base),
    properties: {
      'interrupt-map-mask': [0x1800, 0, 0, 7],
      'interrupt-map': places.flatMap(([slot, pin]) => [
        ...[slot << 11, 0, 0, pin + 1, plic, Source.pcie + ((slot + pin) % 4)],
      ]),
      // I/O ports, memory below 4 GiB, and above.
      ranges: [
        ...[0x1000000, 0, 0, ...region(pciePorts.base, pciePorts.size)],
        ...[0x2000000, 0, pcieWindow.base, ...region(pcieWindow.base, pcieWindow.size)],
        ...[0x3000000, 4, 0, 4, 0, 4, 0],
      ],
      reg: region(pcieEcam.base, pcieEcam.size),
      'dma-coherent': true,
      'bus-range': [0, 255],
      'linux,pci-domain': [0],
      device_type: 'pci',
      compatible: 'pci-host-ecam-generic',
      '#size-cells': [2],
      '#interrupt-cells': [1],
      '#address-cells': [3],
    },
  };
}

function device(
  kind: string,
  { base, size }: { base: number; size: number },
  compatible: Value,
  properties: Record<string, Value>,
): Node {
  return { name: at(kind, base), properties: { reg: region(base, size), compatible, ...properties } };
}

function interrupt(controller: number, source: number): Record<string, Value> {
  return { 'interrupt-parent': [controller], interrupts: [source] };
}

function initrdProperties(address: number, size: number): Record<string, Value> {
  return { 'linux,initrd-start': [address], 'linux,initrd-end': [address + size] };
}

function sysconProperties(compatible: string, finisher: number, value: number): Record<string, Value> {
  return { compatible, regmap: [finisher], offset: [0], value: [value] };
}

function at(kind: string, address: number): string {
  return `${kind}@${address.toString(16)}`;
}

/** Address and size, two cells each. */
function region(base: number, size: number): number[] {
  return [Math.floor(base / 2 ** 32), base >>> 0, Math.floor(size / 2 ** 32), size >>> 0];
}

/** Header, an empty list of reserved memory, the structure block, the strings block. */
function flatten(root: Node): Uint8Array {
  const structure: number[] = [];
  const strings: number[] = [];
  const offsets = new Map<string, number>();

  const word = (value: number): void =>
    void structure.push(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
  const padded = (bytes: readonly number[]): void => {
    structure.push(...bytes);
    while (structure.length % 4 !== 0) structure.push(0);
  };
  const nameOffset = (name: string): number => {
    let offset = offsets.get(name);
    if (offset === undefined) {
      offset = strings.length;
      offsets.set(name, offset);
      strings.push(...terminated(name));
    }
    return offset;
  };
  const node = ({ name, properties, children = [] }: Node): void => {
    word(BEGIN_NODE);
    padded(terminated(name));
    for (const [property, value] of Object.entries(properties)) {
      const bytes = encode(value);
      word(PROPERTY);
      word(bytes.length);
      word(nameOffset(property));
      padded(bytes);
    }
    children.forEach(node);
    word(END_NODE);
  };
  node(root);
  word(END);

  const reservedAt = HEADER_SIZE;
  const structureAt = reservedAt + 16;
  const stringsAt = structureAt + structure.length;
  const total = stringsAt + strings.length;
  const tree = new Uint8Array(total);
  const header = new DataView(tree.buffer);
  const bootHart = 0;
  [
    MAGIC,
    total,
    structureAt,
    stringsAt,
    reservedAt,
    VERSION,
    LAST_COMPATIBLE_VERSION,
    bootHart,
    strings.length,
    structure.length,
  ].forEach((field, index) => header.setUint32(4 * index, field));
  tree.set(structure, structureAt);
  tree.set(strings, stringsAt);
  return tree;
}

function encode(value: Value): number[] {
  if (value === true) return [];
  if (typeof value === 'string') return terminated(value);
  return value.flatMap((entry) =>
    typeof entry === 'string'
      ? terminated(entry)
      : [entry >>> 24, (entry >>> 16) & 255, (entry >>> 8) & 255, entry & 255],
  );
}

function terminated(text: string): number[] {
  return [...new TextEncoder().encode(text), 0];
}
