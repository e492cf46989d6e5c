/** The addresses of the user-mode network, as QEMU's (libslirp) has them by default: 10.0.2.0/24. */

/** An IPv4 address from its text; undefined if it is none. */
export function addressOf(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((address, part) => address * 256 + part, 0);
}

export const textOf = (address: number): string => [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');

const NETWORK = 0x0a000200;
export const NETMASK = 0xffffff00;
/** The host as the guest sees it, which is the gateway too. */
export const GATEWAY = NETWORK + 2;
export const NAME_SERVER = NETWORK + 3;
/** The first address that DHCP gives, and to which ports are forwarded. */
export const GUEST = NETWORK + 15;
export const BROADCAST = 0xffffffff;
export const NETWORK_BROADCAST = NETWORK + 255;
export const LOOPBACK = 0x7f000001;

export const isInNetwork = (address: number): boolean => (address & NETMASK) >>> 0 === NETWORK;
export const isLoopback = (address: number): boolean => address >>> 24 === 127;
/** Whether nobody can be there as one: none, a group, or all. */
export const isNobody = (address: number): boolean =>
  address >>> 24 === 0 || address >>> 28 >= 14 || address === NETWORK_BROADCAST;
