/** For specs: a timeline of two harts, of which the first half has been read. */
import type { TimelineModel } from '../../../debug-adapter/protocol';

export const model: TimelineModel = {
  ...{ start: 0, present: 2_000_000, here: 500_000, from: 0, to: 2_000_000, column: 4096, harts: 2 },
  states: [
    { text: 'pid 3 sh, in user mode', does: 'user', pid: 3 },
    { text: 'pid 3 sh, in the kernel', does: 'kernel', pid: 3 },
    { text: 'idle', does: 'idle' },
  ],
  spans: [
    { hart: 0, from: 0, to: 400_000, shares: [[2, 1]] },
    {
      ...{ hart: 0, from: 400_000, to: 404_096 },
      shares: [
        [0, 0.75],
        [1, 0.248],
        [2, 0.002],
      ],
    },
    { hart: 1, from: 0, to: 1_000_000, shares: [[2, 1]] },
  ],
  marks: [
    {
      ...{ lane: 'traps', time: 400_100, instant: '0:400100:4', hart: 0, text: 'system call read', count: 3 },
      kinds: [
        ['system call', 2],
        ['timer interrupt', 1],
      ],
    },
    {
      ...{ lane: 'console', time: 401_000, instant: '0:401000:0', hart: 0, text: '$ ls', count: 1 },
      kinds: [['line', 1]],
    },
    {
      ...{ lane: 'traps', time: 400_050, instant: '0:400050:2', hart: 1, text: 'supervisor timer interrupt', count: 1 },
      kinds: [['timer interrupt', 1]],
    },
  ],
  read: [[0, 1_000_000]],
  samples: [{ time: 1_500_000, states: [1, 2] }],
  ...{ reading: true, long: false },
};
