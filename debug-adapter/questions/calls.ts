/**
 * Every call of a function, with its arguments and its result. A call is known by its stack pointer, its return address and
 * the address space: its return is the next `ret` of the function with all three, in this stretch of the past or a later one.
 * A function that leaves by another one's `ret` has no result here.
 */
import { isReturn } from '../../emulator/isa/instructions/calls';
import { instructionsFrom } from '../../emulator/isa/instructions/instruction-at';
import { X } from '../../emulator/isa/registers';
import type { Hart, Stop } from '../../emulator/types';
import type { MappedProgram } from '../code/mapped-program';
import { evaluationContext } from '../evaluation/evaluation';
import { evaluate } from '../expressions/evaluate';
import { formatValue } from '../expressions/format';
import { plain } from '../expressions/types';
import { constant } from '../expressions/value';
import type { FunctionInfo } from '../symbols/api';
import { callPlace } from '../code/place-names';
import { sceneOf, type AskedGuest, type Occurrence, type Scene } from './occurrence';
import type { QueryCondition } from './condition';
import type { Candidate, Query } from './query';

type Moment = 'entry' | 'body' | 'return';

class Call implements Candidate {
  result: string | undefined;
  /** Whether the condition on its result holds; undefined where there is none. */
  suits: boolean | undefined;

  constructor(
    readonly key: string,
    private readonly name: string,
    private readonly scene: Scene,
    private readonly given: readonly { name: string; value: string }[],
    private readonly isFiltered: boolean,
  ) {}

  occurrence(): Occurrence | undefined {
    if (this.isFiltered && this.suits !== true) return undefined;
    const { given, result } = this;
    const text = given.map(({ name, value }) => `${name} = ${value}`).join(', ');
    return {
      ...this.scene,
      what: `${this.name}(${text})${result === undefined ? '' : ` = ${result}`}`,
      parts: [...given, ...(result === undefined ? [] : [{ name: 'result', value: result }])],
    };
  }
}

type Return = Pick<Call, 'result' | 'suits'>;

export class Calls implements Query {
  readonly subject: string;
  private readonly moments = new Map<bigint, { moment: Moment; info: FunctionInfo }>();
  private readonly addresses: readonly bigint[];
  /** Calls of this stretch whose body has not begun, by their keys; and those that have not returned. */
  private readonly begun = new Set<string>();
  private readonly open = new Map<string, Call>();
  /** Returns of calls that lie before the stretch; and before those that were looked through earlier. */
  private readonly returns = new Map<string, Return>();
  private readonly later = new Map<string, Return>();
  /** The condition is one on the result, which is known at the return only. */
  private readonly onResult: boolean;

  constructor(
    private readonly guest: AskedGuest,
    private readonly image: MappedProgram,
    /** More than one where the compiler has made variants of it. */
    private readonly functions: readonly FunctionInfo[],
    private readonly condition: QueryCondition,
    subject = `calls of ${functions[0]?.name ?? 'nothing'}`,
  ) {
    this.subject = subject;
    this.onResult = /\$result\b/.test(condition.text ?? '');
    const read = readerOf(image);
    for (const info of functions) {
      const place = (address: bigint, moment: Moment): void => {
        for (const running of image.running(address)) this.moments.set(running, { moment, info });
      };
      for (const { address, decoded } of instructionsFrom(read, info.low, info.high))
        if (decoded && isReturn(decoded)) place(address, 'return');
      place(info.bodyStart, 'body');
      if (info.low !== info.bodyStart) place(info.low, 'entry');
    }
    this.addresses = [...this.moments.keys()];
  }

  get failures(): QueryCondition['failures'] {
    return this.condition.failures;
  }

  remark(): string | undefined {
    const name = this.functions[0]?.name;
    const copies = name === undefined ? 0 : this.image.binary.inlinedCopies(name).length;
    return copies === 0 ? undefined : `it is inlined in ${copies} places, whose calls are not among them`;
  }

  begin(): () => void {
    this.begun.clear();
    const subscription = this.guest.machine.subscribe({ execute: ({ hart }) => this.isOurs(this.hart(hart)) });
    subscription.setAddresses(this.addresses);
    // A hart may stand between the first instruction and the body.
    for (const hart of this.guest.harts) {
      const pc = this.image.linked(hart.pc);
      const isWithin = this.functions.some(({ low, bodyStart }) => pc > low && pc <= bodyStart);
      if (!isWithin || !this.isOurs(hart)) continue;
      const key = this.keyWithin(hart);
      if (key !== undefined) this.begun.add(key);
    }
    return () => subscription.end();
  }

  seen(stop: Stop): Candidate | undefined {
    if (stop.kind !== 'breakpoint') return undefined;
    const hart = this.hart(stop.hart);
    const met = this.isOurs(hart) ? this.moments.get(stop.pc) : undefined;
    if (met === undefined) return undefined;
    const { moment, info } = met;
    switch (moment) {
      case 'entry':
        this.begun.add(this.keyAtEdge(hart));
        return undefined;
      case 'body':
        return this.called(hart, info);
      case 'return':
        this.returned(hart, info);
        return undefined;
    }
  }

  ended(): void {
    for (const [key, call] of this.open) {
      Object.assign(call, this.later.get(key));
      this.later.delete(key);
    }
    for (const [key, value] of this.returns) this.later.set(key, value);
    this.open.clear();
    this.returns.clear();
  }

  private called(hart: Hart, info: FunctionInfo): Call | undefined {
    const isAtEdge = info.low === info.bodyStart;
    const key = isAtEdge ? this.keyAtEdge(hart) : this.keyWithin(hart);
    if (key === undefined || (!isAtEdge && !this.begun.delete(key))) return undefined;
    if (!this.onResult && !this.condition.holds(hart.id)) {
      this.open.delete(key);
      return undefined;
    }
    const { guest, image } = this;
    const context = evaluationContext(guest, hart);
    const given = info.parameters.map(({ name }) => ({
      name,
      value: attempt(() => formatValue(evaluate(name, context), context)),
    }));
    const caller = image.caller(guest.frame(hart), guest.read(hart));
    const scene = sceneOf(guest, hart, hart.pc);
    const place = caller && callPlace(image, caller.pc);
    const call = new Call(key, info.name, { ...scene, place: place ?? scene.place }, given, this.onResult);
    this.open.set(key, call);
    return call;
  }

  private returned(hart: Hart, info: FunctionInfo): void {
    const key = this.keyAtEdge(hart);
    const call = this.open.get(key);
    this.open.delete(key);
    if (call === undefined && this.returns.has(key)) return;
    const value = hart.x(X.a0);
    const found: Return = {
      result: this.shown(hart, info, value),
      suits: this.onResult ? this.condition.holds(hart.id, { result: value }) : undefined,
    };
    if (call) Object.assign(call, found);
    else this.returns.set(key, found);
  }

  /** Undefined for a function without a result, or with one that is not in a0 alone. */
  private shown(hart: Hart, { type }: FunctionInfo, value: bigint): string | undefined {
    const kind = type && plain(type.result).kind;
    if (type === undefined || (kind !== 'base' && kind !== 'pointer' && kind !== 'enum')) return undefined;
    return attempt(() => formatValue(constant(value, type.result), evaluationContext(this.guest, hart)));
  }

  private hart(id: number): Hart {
    return this.guest.harts[id]!;
  }

  private isOurs(hart: Hart): boolean {
    return this.guest.imageAt(hart) === this.image;
  }

  /** At the first instruction and at a `ret`, where the frame is not there. */
  private keyAtEdge(hart: Hart): string {
    return this.key(hart, hart.x(X.sp), hart.x(X.ra));
  }

  private keyWithin(hart: Hart): string | undefined {
    const caller = this.image.binary.unwind(this.image.linkedFrame(this.guest.frame(hart)), this.guest.read(hart));
    const sp = caller?.x[X.sp];
    return caller && sp !== undefined ? this.key(hart, sp, caller.pc) : undefined;
  }

  private key(hart: Hart, sp: bigint, returnAddress: bigint): string {
    return `${this.guest.userRoot(hart) ?? 0n} ${sp} ${returnAddress}`;
  }
}

function attempt(text: () => string): string {
  try {
    return text();
  } catch {
    return '?';
  }
}

/** Reads a program's code in its file. */
const readerOf =
  ({ binary }: MappedProgram) =>
  (at: bigint, length: number): Uint8Array | undefined => {
    const segment = binary.segments.find(
      ({ virtualAddress, bytes }) => at >= virtualAddress && at < virtualAddress + BigInt(bytes.length),
    );
    const offset = Number(at - (segment?.virtualAddress ?? 0n));
    return segment?.bytes.subarray(offset, offset + length);
  };
