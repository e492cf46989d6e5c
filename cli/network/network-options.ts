/** The options by which a network gets onto the board: -netdev, -device e1000, and -object filter-dump, which captures its frames. */
import { type Forward, parseForward } from '../../emulator/network/forward';
import type { NetworkSettings } from '../../emulator/network/user-network';
import { UsageError, onOff, onlyKeys, parseCount, parseList } from '../command-line/option-values';

export interface Capture {
  file: string;
  /** Bytes that are kept of a frame. */
  longest: number;
}

export interface NetworkOptions extends NetworkSettings {
  captures: Capture[];
}

interface NetworkDevice {
  id: string;
  settings: NetworkSettings;
}

const BUS = 'pcie.0';
const LONGEST = 65536;

/** The networks and what uses them, as they were given, in any order. */
export class Networks {
  private readonly netdevs: NetworkDevice[] = [];
  private readonly cards: string[] = [];
  private readonly captures: (Capture & { netdev: string })[] = [];

  /** The argument of -netdev. Throws UsageError. */
  addNetdev(argument: string): void {
    const forwards: Forward[] = [];
    // hostfwd may be there more than once.
    const others = argument.split(',').filter((item) => {
      const text = /^hostfwd=(.*)$/.exec(item)?.[1];
      if (text !== undefined) forwards.push(forwardOf(text));
      return text === undefined;
    });
    const items = parseList(others.join(','), 'type');
    const type = items.get('type');
    if (type !== 'user') throw new UsageError(`-netdev ${type}: there is only the network of -netdev user here`);
    onlyKeys('-netdev user', items, ['type', 'id', 'hostfwd', 'restrict', 'ipv4', 'ipv6']);
    const isRestricted = onOff('-netdev restrict', items.get('restrict') ?? 'off');
    this.netdevs.push({ id: items.get('id') ?? '', settings: { forwards, isRestricted } });
  }

  /** The argument of -device e1000. Throws UsageError. */
  addDevice(argument: string): void {
    const items = parseList(argument, 'driver');
    onlyKeys('-device e1000', items, ['driver', 'netdev', 'bus', 'id']);
    const bus = items.get('bus') ?? BUS;
    if (bus !== BUS) throw new UsageError(`-device e1000,bus=${bus}: the board has one PCIe bus, ${BUS}`);
    this.cards.push(items.get('netdev') ?? '');
  }

  /** The argument of -object. Throws UsageError. */
  addObject(argument: string): void {
    const items = parseList(argument, 'type');
    const type = items.get('type') ?? '';
    if (type !== 'filter-dump') throw new UsageError(`-object ${type}: the only object here is filter-dump`);
    onlyKeys('-object filter-dump', items, ['type', 'id', 'netdev', 'file', 'maxlen']);
    const file = items.get('file');
    if (!file) throw new UsageError(`-object ${argument}: no file=`);
    const longest = parseCount('-object filter-dump,maxlen', items.get('maxlen') ?? String(LONGEST));
    this.captures.push({ file, longest, netdev: items.get('netdev') ?? '' });
  }

  /** The network of the card; undefined if there is no card. Throws UsageError if the options contradict one another. */
  joined(warnings: string[]): NetworkOptions | undefined {
    if (this.cards.length > 1) throw new UsageError('-device e1000: the board takes one here');
    const [card] = this.cards;
    const find = (id: string): NetworkDevice | undefined => this.netdevs.find((netdev) => netdev.id === id);
    for (const { netdev } of this.captures) {
      if (find(netdev) === undefined)
        throw new UsageError(`-object filter-dump,netdev=${netdev}: no -netdev has id=${netdev}`);
    }
    for (const { id } of this.netdevs)
      if (id !== card) warnings.push(`-netdev user,id=${id}: no -device e1000 uses it; the guest will not see it`);
    if (card === undefined) return undefined;
    const used = find(card);
    if (card !== '' && used === undefined)
      throw new UsageError(`-device e1000,netdev=${card}: no -netdev has id=${card}`);
    if (used === undefined) warnings.push('-device e1000: without netdev=ID its cable is not plugged in');
    const captures = this.captures.filter(({ netdev }) => used !== undefined && netdev === card);
    return { ...(used?.settings ?? { forwards: [], isRestricted: true }), captures };
  }
}

function forwardOf(text: string): Forward {
  try {
    return parseForward(text);
  } catch (error) {
    throw new UsageError(`-netdev user,${error instanceof Error ? error.message : String(error)}`);
  }
}
