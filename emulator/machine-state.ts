/** All that a guest could observe of a machine, beside its memory: collected, hashed and restored. */
import type { HartState } from './cpu/hart';
import { SavedState } from './history/saved-state';
import type { Scheduler } from './scheduler/scheduler';
import type { VirtualTime } from './scheduler/virtual-time';
import type { Device } from './device';
import { restoreTlb, saveTlb } from './strict-tlb/saved-tlb';
import type { StrictTlb } from './strict-tlb/strict-tlb';
import type { State } from './types';

export class MachineState {
  constructor(
    private readonly clock: VirtualTime,
    private readonly scheduler: Scheduler,
    private readonly devices: readonly Device[],
    private readonly harts: readonly HartState[],
    private readonly tlb: StrictTlb | undefined,
  ) {}

  save(): State {
    return {
      ...{ ...this.clock.save(), scheduler: this.scheduler.save() },
      harts: this.harts.map((hart) => hart.save()),
      devices: this.devices.map((device) => device.save()),
      ...(this.tlb && { tlb: saveTlb(this.tlb) }),
    };
  }

  /** Memory is what it was already. Throws an Error, with some of it restored, if it is not what `save` gave. */
  restore(state: State): void {
    const saved = new SavedState('machine', state);
    this.clock.restore(saved);
    this.scheduler.restore(saved.record('scheduler'));
    saved.list('devices', this.devices.length).forEach((device, i) => this.devices[i]!.restore(device));
    // After the devices, which may drive the harts' lines.
    saved.list('harts', this.harts.length).forEach((hart, id) => this.harts[id]!.restore(hart));
    if (this.tlb) restoreTlb(this.tlb, saved.record('tlb'));
  }
}
