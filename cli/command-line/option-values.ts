/** The values of options in QEMU's notation: lists, switches, sizes, numbers; and the error for a wrong one. */
/** Wrong usage. The message names the option, what was found and what to do. */
export class UsageError extends Error {}

const MIB = 1024 * 1024;

/**
 * Parses a list as QEMU writes it, `first,key=value,key=value`; a doubled comma stands for one. The first item may omit
 * its key, which is then `implied`.
 */
export function parseList(text: string, implied: string): Map<string, string> {
  const items = new Map<string, string>();
  text.match(/(?:,,|[^,])+/g)?.forEach((item, index) => {
    const plain = item.replaceAll(',,', ',');
    const equals = plain.indexOf('=');
    if (equals >= 0) items.set(plain.slice(0, equals), plain.slice(equals + 1));
    else if (index === 0) items.set(implied, plain);
    else items.set(plain, 'on');
  });
  return items;
}

export function onOff(name: string, value: string): boolean {
  if (['on', 'true', 'yes', 'y'].includes(value)) return true;
  if (['off', 'false', 'no', 'n'].includes(value)) return false;
  throw new UsageError(`${name}: "${value}" is neither on nor off`);
}

/** Throws UsageError if a list has a key that is not in `known`. */
export function onlyKeys(option: string, items: Map<string, string>, known: readonly string[]): void {
  for (const key of items.keys()) {
    if (!known.includes(key))
      throw new UsageError(`${option}: "${key}" is not known here (known: ${known.join(', ')})`);
  }
}

/** Bytes, from a number of MiB or one with a suffix K, M or G. */
export function parseSize(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)([kKmMgG]?)[bB]?$/.exec(text);
  if (!match) throw new UsageError(`${option}: "${text}" is not a size; write 128M or 3G`);
  const unit = { k: 1024, m: MIB, g: 1024 * MIB, '': MIB }[match[2]!.toLowerCase()] ?? MIB;
  return Number(match[1]) * unit;
}

export function parseCount(option: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`${option}: "${text}" is not a number`);
  return Number(text);
}

/** What the harts have, by the names of QEMU's properties of a CPU, in small letters. */
const HARTS_HAVE = 'i m a f d c s u zicsr zifencei counters zba zbb zbc zbs sstc mmu pmp'.split(' ');

/**
 * Reads the value of -cpu, which must state harts as they are here: what they have and a kernel may do without is worth a warning,
 * which is returned. Throws UsageError for anything else.
 */
export function cpuWarnings(argument: string): string[] {
  const [model, ...properties] = argument.split(',');
  if (model !== 'rv64') throw new UsageError(`-cpu ${model}: the harts are "rv64" only`);
  return properties.flatMap((property) => {
    const [name = '', value = ''] = property.split('=');
    const isOn = onOff(`-cpu rv64,${name}`, value);
    const isThere = HARTS_HAVE.includes(name.toLowerCase());
    if (isOn && !isThere) {
      const all = HARTS_HAVE.join(', ');
      throw new UsageError(`-cpu rv64,${property}: the harts' extensions are fixed (${all}); leave it out`);
    }
    if (isOn || !isThere) return [];
    const why = name === 'pmp' ? 'the PMP is always there, and allows everything until it is programmed' : undefined;
    return [`-cpu rv64,${property}: ${why ?? 'the harts have it all the same'}`];
  });
}
