/**
 * A network for the guest without any privilege on the host, as QEMU's `-netdev user` (libslirp): an Ethernet with a gateway that is
 * the host, a name server, and what lies beyond through the host's sockets. It is no part of the machine: frames from the guest
 * are looked at in the next turn of the host, and what comes of them enters the machine as any other input.
 */
import { GATEWAY, isInNetwork, isNobody, NAME_SERVER } from './addresses';
import { dhcpReply, DHCP_SERVER_PORT } from './dhcp';
import { ETHERNET_HEADER, EtherType, viewOf } from './ethernet';
import type { Forward } from './forward';
import type { HostSockets } from './host-sockets';
import { echoReply, unreachable } from './icmp';
import { type Datagram, datagramPacket, type Packet, packetsOf, parseDatagram, parsePacket, Protocol } from './ipv4';
import { Neighbours } from './neighbours';
import { TcpRelay } from './tcp';
import { UdpRelay } from './udp';

export interface NetworkSettings {
  forwards: readonly Forward[];
  /** The guest reaches nobody but the gateway itself: QEMU's restrict=on. */
  isRestricted: boolean;
}

export interface NetworkClient {
  /** A frame for the guest. */
  deliver(frame: Uint8Array): void;
  /** Something for the user to know, such as a port that is in use. */
  problem(text: string): void;
}

/** Frames of the guest that wait to be looked at; more are lost. */
const MOST_WAITING = 1024;
/** Frames that are looked at in one turn of the host. */
const FRAMES_AT_ONCE = 64;
/** Bytes of the longest frame that is taken. */
const LONGEST = 1518;

export class UserNetwork {
  private waiting: Uint8Array[] = [];
  private callOff: (() => void) | undefined;
  private readonly neighbours: Neighbours;
  private readonly udp: UdpRelay;
  private readonly tcp: TcpRelay;
  private identification = 0;

  constructor(
    private readonly settings: NetworkSettings,
    private readonly sockets: HostSockets,
    client: NetworkClient,
  ) {
    this.neighbours = new Neighbours((frame) => client.deliver(frame));
    const problem = (text: string): void => client.problem(text);
    const forwards = (protocol: Forward['protocol']): Forward[] =>
      settings.forwards.filter((forward) => forward.protocol === protocol);
    this.udp = new UdpRelay(
      {
        ...{ sockets, problem, deliver: (datagram: Datagram) => this.send(datagramPacket(datagram)) },
        undelivered: (datagram) => this.undelivered(datagramPacket(datagram)),
      },
      forwards('udp'),
    );
    this.tcp = new TcpRelay({ sockets, problem, deliver: (packet) => this.send(packet) }, forwards('tcp'));
  }

  /** The guest has sent a frame. */
  transmit(frame: Uint8Array): void {
    if (this.waiting.length < MOST_WAITING && frame.length <= LONGEST) this.waiting.push(frame);
    this.callOff ??= this.sockets.later(0, () => this.look());
  }

  /** The guest is another one now: connections end, and forwarded ports stay. */
  forget(): void {
    this.waiting = [];
    this.neighbours.forget();
    this.udp.forget();
    this.tcp.forget();
  }

  close(): void {
    this.callOff?.();
    this.waiting = [];
    this.udp.close();
    this.tcp.close();
  }

  private look(): void {
    this.callOff = undefined;
    for (const frame of this.waiting.splice(0, FRAMES_AT_ONCE)) this.received(frame);
    if (this.waiting.length > 0) this.callOff ??= this.sockets.later(0, () => this.look());
  }

  private received(frame: Uint8Array): void {
    if (frame.length < ETHERNET_HEADER) return;
    const type = viewOf(frame).getUint16(12);
    if (type === EtherType.Arp) this.neighbours.received(frame);
    const packet = type === EtherType.Ipv4 ? parsePacket(frame.subarray(ETHERNET_HEADER)) : undefined;
    if (packet === undefined) return;
    const datagram = packet.protocol === Protocol.Udp ? parseDatagram(packet) : undefined;
    if (datagram?.to.port === DHCP_SERVER_PORT) {
      this.lease(datagram);
      return;
    }
    if (!isInNetwork(packet.source) || isNobody(packet.source) || isNobody(packet.destination)) return;
    const isGateway = packet.destination === GATEWAY || packet.destination === NAME_SERVER;
    if (packet.protocol === Protocol.Icmp && isGateway) {
      const reply = echoReply(packet);
      if (reply) this.send(reply);
    } else if (this.settings.isRestricted) {
      return;
    } else if (datagram !== undefined) {
      this.udp.send(datagram);
    } else if (packet.protocol === Protocol.Tcp) {
      this.tcp.received(packet);
    }
  }

  private lease({ content }: Datagram): void {
    const reply = dhcpReply(content);
    if (reply === undefined) return;
    if (reply.holder) this.neighbours.learn(reply.holder.address, reply.holder.mac);
    this.send(datagramPacket(reply.datagram));
  }

  private send(packet: Packet): void {
    this.identification = (this.identification + 1) & 0xffff;
    for (const bytes of packetsOf(packet, this.identification)) this.neighbours.send(packet.destination, bytes);
  }

  private undelivered(packet: Packet): void {
    const [header] = packetsOf(packet, 0);
    this.send(unreachable(packet, header!.subarray(0, 20), GATEWAY));
  }
}
