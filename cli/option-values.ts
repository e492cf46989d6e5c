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
