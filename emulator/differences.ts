/**
 * Says where the guest relies on what QEMU and hardware do in another way, in one line a subject: it would boot here, or
 * fail here, and do the opposite there. What QEMU does was seen with QEMU 7.2.
 */
import { hex } from './isa/hex';
import type { DifferenceEvent, MachineApi, Subscription } from './types';

type Subject = 'pmp';

interface Difference {
  subject: Subject;
  /** What the hart does "at 0x80000048", and what comes of it here and there. */
  text(at: string): string;
}

const DIFFERENCES: Readonly<Record<DifferenceEvent['what'], Difference>> = {
  'pmp-off': {
    subject: 'pmp',
    text: (at) =>
      `leaves M-mode ${at} with no PMP entry on. This machine goes on; QEMU 6 and later raise an illegal instruction there, ` +
      'and on hardware the next fetch faults, so that nothing more is printed. Open the memory before, as xv6 does: ' +
      'w_pmpaddr0(0x3fffffffffffffull); w_pmpcfg0(0xf);',
  },
  'pmp-grain': {
    subject: 'pmp',
    text: (at) =>
      `chooses NA4 for a PMP entry ${at}. The entry stays off here, where regions are whole pages; under QEMU it covers four bytes.`,
  },
};

/** Tells each subject once, as long as the subscription lasts. `placeOf` names an address of code, if it can. */
export function tellDifferences(
  machine: Pick<MachineApi, 'subscribe'>,
  tell: (text: string) => void,
  placeOf: (event: DifferenceEvent) => string | undefined = () => undefined,
): Subscription {
  const told = new Set<Subject>();
  return machine.subscribe({
    difference: (event) => {
      const { subject, text } = DIFFERENCES[event.what];
      if (!told.has(subject)) {
        told.add(subject);
        const place = placeOf(event);
        tell(`hart ${event.hart} ${text(`at ${hex(event.pc)}${place === undefined ? '' : ` (${place})`}`)}`);
      }
      return false;
    },
  });
}
