/**
 * Who has which MAC in the network: learnt from ARP, and asked for before the first packet goes to an address, as QEMU's gateway
 * does. What is sent to somebody who does not answer is lost.
 */
import { BROADCAST, GATEWAY, isInNetwork, isNobody, NAME_SERVER, NETWORK_BROADCAST } from './addresses';
import {
  ArpOperation,
  arpPacket,
  BROADCAST_MAC,
  ETHERNET_HEADER,
  ethernetFrame,
  EtherType,
  macOf,
  parseArp,
} from './ethernet';

/** Of the network's own and the guest's; and packets that wait for one that is not known. */
const MOST_KNOWN = 16;
const MOST_WAITING = 64;

export class Neighbours {
  private readonly known = new Map<number, Uint8Array>();
  private waiting: { to: number; packet: Uint8Array }[] = [];

  /** `deliver` is given frames for the guest. */
  constructor(private readonly deliver: (frame: Uint8Array) => void) {}

  learn(address: number, mac: Uint8Array): void {
    if (!isInNetwork(address) || isNobody(address) || this.isOwn(address)) return;
    if (this.known.size >= MOST_KNOWN && !this.known.has(address)) this.known.delete(this.known.keys().next().value!);
    this.known.set(address, mac);
    const waiting = this.waiting;
    this.waiting = [];
    for (const { to, packet } of waiting) this.send(to, packet);
  }

  /** An ARP packet from the guest. */
  received(frame: Uint8Array): void {
    const arp = parseArp(frame.subarray(ETHERNET_HEADER));
    if (arp === undefined) return;
    this.learn(arp.sender, arp.senderMac);
    if (arp.operation !== ArpOperation.Request || !this.isOwn(arp.target)) return;
    const mac = macOf(arp.target);
    const reply = { operation: ArpOperation.Reply, senderMac: mac, sender: arp.target, target: arp.sender };
    this.deliver(ethernetFrame(arp.senderMac, mac, EtherType.Arp, arpPacket(reply, arp.senderMac)));
  }

  /** An IPv4 packet to an address of the network. */
  send(to: number, packet: Uint8Array): void {
    const mac = to === BROADCAST || to === NETWORK_BROADCAST ? BROADCAST_MAC : this.known.get(to);
    if (mac !== undefined) {
      this.deliver(ethernetFrame(mac, macOf(GATEWAY), EtherType.Ipv4, packet));
      return;
    }
    if (!isInNetwork(to) || isNobody(to)) return;
    if (this.waiting.length >= MOST_WAITING) this.waiting.shift();
    this.waiting.push({ to, packet });
    const own = macOf(GATEWAY);
    const request = { operation: ArpOperation.Request, senderMac: own, sender: GATEWAY, target: to };
    this.deliver(ethernetFrame(BROADCAST_MAC, own, EtherType.Arp, arpPacket(request, new Uint8Array(6))));
  }

  forget(): void {
    this.known.clear();
    this.waiting = [];
  }

  private isOwn(address: number): boolean {
    return address === GATEWAY || address === NAME_SERVER;
  }
}
