/** Our own request `xv6.packets`: what went over the network up to where the machine stands, as a file for Wireshark. */
import { pcapHeader, pcapRecord } from '../../../emulator/network/pcap';
import type { Requests } from '../../protocol';
import { Packets } from '../../questions/packets';
import { latest } from '../../questions/query';
import { requireStopped, type SessionContext } from '../context';
import { inProgress } from '../lifecycle/progress';
import { base64 } from './recording';

/** Of more packets, the latest. */
const MOST = 20_000;
const LONGEST = 65_535;
const TICKS_PER_MICROSECOND = 10;

export async function packets(context: SessionContext): Promise<Requests['xv6.packets']['response']> {
  const { debuggee, past } = requireStopped(context);
  const { instant, options } = debuggee.machine;
  const query = new Packets(debuggee, (listener) => (debuggee.frameSent = listener), MOST);
  const { rows, isCancelled } = await inProgress(
    context,
    'Looking for packets',
    (tell) => past.inquire((timeline) => latest(timeline, instant, query, MOST, (part) => tell(undefined, part))),
    () => past.cancel(),
  );
  if (isCancelled) throw new Error('cancelled before the whole past was looked through');
  const begun = (options.rtcEpoch ?? 0) * 1e6;
  const records = rows.map((row) => pcapRecord(query.frameOf(row), begun + row.tick / TICKS_PER_MICROSECOND, LONGEST));
  return { count: rows.length, base64: base64([pcapHeader(LONGEST), ...records]) };
}
