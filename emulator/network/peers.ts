/** Who the guest's peers are on the host's side. */
import { GATEWAY, isInNetwork, isLoopback, LOOPBACK, NAME_SERVER } from './addresses';
import { DNS_PORT } from './dns';
import type { Endpoint } from './host-sockets';

/** Where to reach on the host's side whom the guest means; undefined if there is nobody. */
export function hostSide(to: Endpoint, nameServer: Endpoint | undefined): Endpoint | undefined {
  if (to.port === 0) return undefined;
  if (to.address === GATEWAY) return { address: LOOPBACK, port: to.port };
  if (to.address === NAME_SERVER) return to.port === DNS_PORT ? nameServer : undefined;
  return isInNetwork(to.address) || isLoopback(to.address) ? undefined : to;
}
