/** Our own request `xv6.watchEntry`: data breakpoints on page-table entries, which no client of the protocol has a view for. */
import { hex } from '../../../emulator/isa/hex';
import { PTE } from '../../../emulator/isa/sv39';
import { UserError } from '../../dap/errors';
import type { Requests } from '../../protocol';
import { requireStopped, type SessionContext } from '../context';

const MOST = 100;
const LONGEST_LABEL = 200;
/** The harts set A and D by themselves, which nobody means by a change. */
const BY_KERNEL = `($old ^ $new) & ~${hex(PTE.A | PTE.D)}`;

const PLACE = /^fix phys:(0x[0-9a-f]+)\+8 /;

/** Physical addresses of the entries that are watched. */
export const watchedEntries = ({ stopPoints }: Pick<SessionContext, 'stopPoints'>): string[] =>
  stopPoints.dataBreakpoints.setBy('entries').flatMap(({ dataId }) => PLACE.exec(dataId)?.[1] ?? []);

export function watchEntry(
  context: SessionContext,
  { pteAddress, label, on }: Requests['xv6.watchEntry']['arguments'],
): Requests['xv6.watchEntry']['response'] {
  const { dataLocations } = requireStopped(context);
  const { dataBreakpoints } = context.stopPoints;
  if (!/^0x[0-9a-f]{1,14}[08]$/.test(pteAddress)) throw new UserError(`${pteAddress} is no address of an entry.`);
  const address = hex(BigInt(pteAddress));
  const others = dataBreakpoints.setBy('entries').filter(({ dataId }) => PLACE.exec(dataId)?.[1] !== address);
  if (on && others.length >= MOST) throw new UserError(`${MOST} entries are watched; let some of them go first.`);
  const words = label.replace(/\s+/g, ' ').trim().slice(0, LONGEST_LABEL) || `the entry at ${address}`;
  const added = on
    ? [
        {
          dataId: dataLocations.ofEntry(BigInt(address), words).dataId,
          accessType: 'write',
          condition: BY_KERNEL,
        } as const,
      ]
    : [];
  dataBreakpoints.set([...others, ...added], 'entries');
  return { watched: watchedEntries(context) };
}
