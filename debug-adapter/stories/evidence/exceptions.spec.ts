import assert from 'node:assert/strict';
import { Cause } from '../../../emulator/isa/causes';
import { Mode, type TrapEvent } from '../../../emulator/types';
import type { Frame } from '../../stack/frame';
import { trapOnStack } from './exceptions';

const frame = (more: Partial<Frame> & { pc?: bigint }): Frame =>
  ({ isLabel: false, isUser: false, hart: 0, registers: { pc: more.pc ?? 0n }, ...more }) as unknown as Frame;
const label = frame({ isLabel: true });
const kernel = frame({ pc: 0x8000_0040n });
const inKernel = [kernel, label, frame({ pc: 0x8000_0100n })];
const process = { pid: 3, name: 'sh' };
const inProgram = [kernel, label, frame({ pc: 0x104n, isUser: true, process })];

const trap = (epc: bigint, from: Mode, more: Partial<TrapEvent> = {}): TrapEvent => ({
  ...{ hart: 0, interrupt: false, cause: Cause.loadPageFault, tval: 0n, epc, from, to: Mode.Supervisor },
  ...more,
});
/** Hart 0 runs pid 3, the others pid 4. */
const pidOn = (hart: number): number => (hart === 0 ? 3 : 4);

describe('the trap that the kernel was handling', () => {
  const ROWS: [string, readonly Frame[], TrapEvent, boolean][] = [
    ['the kernel’s exception', inKernel, trap(0x8000_0100n, Mode.Supervisor), true],
    [
      'an interrupt there, which is none',
      inKernel,
      trap(0x8000_0100n, Mode.Supervisor, { interrupt: true, cause: 5 }),
      true,
    ],
    ['that of another place', inKernel, trap(0x8000_0104n, Mode.Supervisor), false],
    ['that of another hart', inKernel, trap(0x8000_0100n, Mode.Supervisor, { hart: 1 }), false],
    ['one that M-mode took', inKernel, trap(0x8000_0100n, Mode.Supervisor, { to: Mode.Machine }), false],
    ['a program’s at the kernel’s address', inKernel, trap(0x8000_0100n, Mode.User), false],
    ['the program’s exception', inProgram, trap(0x104n, Mode.User), true],
    ['its system call, after which it goes on', inProgram, trap(0x100n, Mode.User, { cause: Cause.userEcall }), true],
    [
      'its system call, before the kernel has moved on',
      inProgram,
      trap(0x104n, Mode.User, { cause: Cause.userEcall }),
      true,
    ],
    ['its exception before the place, which does not go on there', inProgram, trap(0x100n, Mode.User), false],
    ['that of another process of the same program', inProgram, trap(0x104n, Mode.User, { hart: 1 }), false],
    ['the kernel’s at the program’s address', inProgram, trap(0x104n, Mode.Supervisor), false],
  ];
  for (const [what, frames, event, isIt] of ROWS)
    it(`${isIt ? 'may be' : 'is not'} ${what}`, () => assert.equal(trapOnStack(frames, pidOn)!(event), isIt));

  it('is none of a program’s at the kernel’s address where nobody runs', () => {
    assert.equal(trapOnStack(inKernel, () => undefined)!(trap(0x8000_0100n, Mode.User)), false);
  });

  it('is none where the kernel was not entered by one, or where nothing is known below', () => {
    assert.equal(trapOnStack([kernel], pidOn), undefined);
    assert.equal(trapOnStack([kernel, label], pidOn), undefined);
  });
});
