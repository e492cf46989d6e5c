/** Watches a scout's machine, and notes what happens on its way: traps, satp writes, lines of the console, packets, and the harts' doings. */
import { hex } from '../../emulator/isa/hex';
import { causeName, InterruptCause } from '../../emulator/isa/causes';
import { satpRoot } from '../../emulator/isa/sv39';
import { isSystemCall, pageFaultAccess } from '../../emulator/isa/trap-kinds';
import { X } from '../../emulator/isa/registers';
import { Mode, type MachineApi, type SatpEvent, type Stop, type TrapEvent } from '../../emulator/types';
import type { Xv6 } from '../xv6/kernel';
import { NAMES } from '../xv6/names';
import { named, processes } from '../xv6/processes';
import { systemCallName } from '../xv6/system-calls';
import { kernelTables } from '../xv6/tables';
import type { FrameWatch } from './frame-watch';
import { frameWords } from './frame-words';
import type { Happened, Noted } from './happened';
import { HartWatch, type HartStates } from './hart-watch';
import type { LineWatch } from './line-watch';

/** Device.name of the console, and of the network card. */
const UART = 'uart';
const CARD = 'e1000';

/** Kinds of traps. */
export type TrapKind = 'system call' | 'fault' | 'timer interrupt' | 'device interrupt' | 'other interrupt';

export class RunWatch {
  private readonly harts: HartWatch;
  private readonly relaysTimer: boolean;

  constructor(
    private readonly machine: MachineApi,
    private readonly xv6: Xv6,
    states: HartStates,
    private readonly lines: LineWatch,
    private readonly frames: FrameWatch,
  ) {
    this.harts = new HartWatch(machine, xv6, states);
    this.relaysTimer = xv6.binary.symbol(NAMES.timerVector) !== undefined;
  }

  /** Watches from here on; returns a function that ends it. */
  watch(): () => void {
    const stops = (): boolean => true;
    const subscription = this.machine.subscribe({
      ...{ trap: stops, trapReturn: stops, satpWrite: stops, execute: stops },
      appliesTo: (hart) => hart.mode !== Mode.User,
      device: ({ device, access }) =>
        access === 'write' && ((device === UART && this.lines.hasBegun) || (device === CARD && this.frames.hasSent)),
    });
    subscription.setAddresses(this.harts.addresses);
    this.lines.take();
    this.frames.begin(this.machine);
    this.harts.begin();
    return () => subscription.end();
  }

  /** A line of the console has been noted whose end is to come. */
  get hasUnfinishedLine(): boolean {
    return this.lines.hasUnfinished;
  }

  /** The states of all harts, by number. */
  get states(): number[] {
    this.harts.begin();
    return this.machine.harts.map(({ id }) => this.harts.stateOf(id));
  }

  passed(stop: Stop, happened: Happened): void {
    switch (stop.kind) {
      case 'trap':
        happened.count('traps', this.kindOf(stop.event), () => this.noted(stop.event.hart, this.trapText(stop.event)));
        break;
      case 'satpWrite':
        happened.count('satp', 'satp write', () => this.noted(stop.event.hart, this.satpText(stop.event)));
        break;
      case 'device': {
        const line = this.lines.take();
        const { instant } = this.machine;
        const { hart } = stop.event;
        // What it says is known only at its end.
        if (line) happened.count('console', 'line', () => ({ instant, hart, words: () => line.text }));
        break;
      }
    }
    this.packets(happened);
    this.harts.passed(stop, happened);
  }

  upTo(happened: Happened): void {
    this.packets(happened);
    this.harts.upTo(happened);
  }

  private packets(happened: Happened): void {
    for (const { frame, kind, instant = this.machine.instant } of this.frames.take(this.machine)) {
      const words = (): string => `${kind}: ${frameWords(frame)}`;
      happened.count('packets', kind, () => ({ instant, hart: this.machine.current, words }));
    }
  }

  private noted(hart: number, text: string): Noted {
    const process = this.harts.processOf(hart);
    const words = `${text}, ${process ? named(process) : 'no process'}, hart ${hart}`;
    return { instant: this.machine.instant, hart, words: () => words };
  }

  private kindOf(event: TrapEvent): TrapKind {
    const { interrupt, cause } = event;
    if (isSystemCall(event)) return 'system call';
    if (!interrupt) return 'fault';
    switch (cause) {
      case InterruptCause.supervisorTimer:
      case InterruptCause.machineTimer:
        return 'timer interrupt';
      case InterruptCause.supervisorSoftware:
        return this.relaysTimer ? 'timer interrupt' : 'other interrupt';
      case InterruptCause.supervisorExternal:
      case InterruptCause.machineExternal:
        return 'device interrupt';
      default:
        return 'other interrupt';
    }
  }

  private trapText(event: TrapEvent): string {
    if (isSystemCall(event)) {
      const number = this.machine.harts[event.hart]!.x(X.a7);
      return `system call ${systemCallName(this.xv6, number) ?? number}`;
    }
    const access = pageFaultAccess(event);
    const what =
      access === undefined ? causeName(event.interrupt, event.cause) : `page fault (${access} ${hex(event.tval)})`;
    return `${what} at ${hex(event.epc)}`;
  }

  private satpText({ after }: SatpEvent): string {
    const root = satpRoot(after);
    if (root === undefined) return 'satp: no paging';
    const table = kernelTables(this.xv6, processes(this.xv6)).find((one) => one.root === root);
    return `satp: ${table ? `the table of ${table.label}` : `the table at ${hex(root)}`}`;
  }
}
