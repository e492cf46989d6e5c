/** The clock of Node for a run of the machine. */
import type { HostClock } from '../emulator/run-loop';

export const CLOCK: HostClock = {
  // As performance.now(), which loads more than a start should pay for.
  now: () => process.uptime() * 1000,
  soon: (action) => void setImmediate(action),
  later: (milliseconds, action) => {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  },
};
