/** The clock of Node for a run of the machine. */
import type { HostClock } from '../emulator/run-loop';

export const CLOCK: HostClock = {
  now: () => performance.now(),
  soon: (action) => void setImmediate(action),
  later: (milliseconds, action) => {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  },
};
