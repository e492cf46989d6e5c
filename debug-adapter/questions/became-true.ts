/**
 * When a condition became true. The bytes that it reads are watched while the past is run again, and it is evaluated anew when
 * one of them is written. Its registers and locals are those of the frame now; memory is read as it was.
 */
import { walk } from '../../emulator/isa/sv39';
import type { Stop, Subscription, Watch } from '../../emulator/types';
import { ExpressionError } from '../expressions/error';
import { evaluateCondition } from '../expressions/evaluate';
import type { EvaluationContext } from '../expressions/value';
import { executedScene, sceneOf, type AskedGuest, type Occurrence } from './occurrence';
import type { Candidate, Query } from './query';
import type { Range } from './spots';

const PAGE = 4096n;

export class BecameTrue implements Query {
  readonly subject: string;
  private readonly context: EvaluationContext;
  private read = new Map<string, Range>();
  private watched = '';
  private subscription: Subscription | undefined;
  private holds = false;
  private heldFirst = false;

  /** `root`: of the frame's page table now; undefined where addresses are physical. */
  constructor(
    private readonly guest: AskedGuest,
    private readonly condition: string,
    evaluation: EvaluationContext,
    private readonly root: bigint | undefined,
  ) {
    this.subject = `times at which ${condition} became true`;
    const { frame, binary, scopePc, kernel } = evaluation;
    this.context = {
      ...{ frame, binary, ...(scopePc !== undefined && { scopePc }), ...(kernel && { kernel }) },
      readMemory: (address, length) => this.bytes(address, length),
      csr: (name) => refused(name),
      builtin: (name) => refused(name),
    };
    // What is wrong with it is said at once.
    this.evaluate(true);
  }

  remark(): string | undefined {
    return this.heldFirst ? 'true from the beginning' : undefined;
  }

  begin(): () => void {
    const subscription = this.guest.machine.subscribe({ data: () => true });
    this.subscription = subscription;
    this.watched = '';
    this.holds = this.look();
    this.heldFirst = this.holds;
    return () => subscription.end();
  }

  seen(stop: Stop): Candidate | undefined {
    if (stop.kind !== 'data') return undefined;
    const before = this.holds;
    this.holds = this.look();
    if (before || !this.holds) return undefined;
    const found = this.occurrence(stop);
    return { occurrence: () => found };
  }

  private occurrence({ events }: Stop & { kind: 'data' }): Occurrence {
    const { guest } = this;
    const event = events[0]!;
    const hart = event.hart === undefined ? undefined : guest.harts[event.hart];
    if (hart === undefined || event.by !== 'instruction') {
      const scene = sceneOf(guest, guest.harts[guest.machine.current]!, 0n);
      return {
        ...scene,
        hart: undefined,
        place: { text: event.device ?? 'a device' },
        what: this.condition,
        parts: [],
      };
    }
    return { ...executedScene(guest, hart, event.pc ?? hart.pc), what: this.condition, parts: [] };
  }

  /** Evaluates, and watches what was read for it. */
  private look(): boolean {
    const holds = this.evaluate(false);
    const key = [...this.read.keys()].join(' ');
    if (key !== this.watched) {
      this.watched = key;
      this.subscription?.setWatches([...this.read.values()].map((range): Watch => ({ ...range, access: 'write' })));
    }
    return holds;
  }

  /** False where it cannot be evaluated, as where memory is not mapped yet. */
  private evaluate(throws: boolean): boolean {
    this.read = new Map();
    try {
      return evaluateCondition(this.condition, this.context);
    } catch (error) {
      if (throws || !(error instanceof ExpressionError)) throw error;
      return false;
    }
  }

  private bytes(address: bigint, length: number): Uint8Array | undefined {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const at = BigInt.asUintN(64, address + BigInt(done));
      const size = Math.min(length - done, Number(PAGE - (at % PAGE)));
      const physical = this.physical(at);
      const part = physical === undefined ? undefined : this.guest.machine.memory.read(physical, size);
      if (physical === undefined || part === undefined) return undefined;
      this.note(physical, size);
      bytes.set(part, done);
      done += size;
    }
    return bytes;
  }

  /** By the frame's table as it is at that time; the kernel's data lies where it is linked, also before there is a table. */
  private physical(va: bigint): bigint | undefined {
    const { memory } = this.guest.machine;
    if (this.root === undefined) return va;
    const { steps, leaf } = walk(this.root, va, (at) => memory.readU64(at));
    for (const { pteAddress } of steps) if (memory.read(pteAddress, 8)) this.note(pteAddress, 8);
    return leaf?.pa ?? (memory.read(va, 1) ? va : undefined);
  }

  private note(address: bigint, length: number): void {
    this.read.set(`${address}+${length}`, { address, length });
  }
}

function refused(name: string): never {
  throw new ExpressionError(`$${name} cannot be watched: only what lies in memory can`);
}
