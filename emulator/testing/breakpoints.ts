/** Breakpoints of a spec: one subscription a machine, whose addresses each call replaces. */
import type { Hart, MachineApi, Subscription } from '../types';

interface Breakpoints {
  subscription: Subscription;
  appliesTo: (hart: Hart, address: bigint) => boolean;
}

const byMachine = new WeakMap<MachineApi, Breakpoints>();

/** Stops the machine before the instructions at these addresses, where `appliesTo` holds, and at no other ones. */
export function setBreakpoints(
  machine: MachineApi,
  addresses: Iterable<bigint>,
  appliesTo: Breakpoints['appliesTo'] = () => true,
): void {
  let own = byMachine.get(machine);
  if (own === undefined) {
    const made = { appliesTo };
    const listener = { execute: () => true, appliesTo: (hart: Hart, at: bigint) => made.appliesTo(hart, at) };
    own = Object.assign(made, { subscription: machine.subscribe(listener) });
    byMachine.set(machine, own);
  }
  own.appliesTo = appliesTo;
  own.subscription.setAddresses(addresses);
}
