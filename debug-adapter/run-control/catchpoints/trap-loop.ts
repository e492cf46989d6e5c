/**
 * The one stop nobody asks for: a hart that cannot get through its trap handler, which would trap for ever. If the
 * handler's very first instruction raises exceptions, once is enough: that is how a jump to nowhere ends, and a table in
 * satp that does not map the kernel. A handler that faults further on, where it saves registers to a stack that is none,
 * is given a few attempts.
 */
import type { TrapEvent } from '../../../emulator/types';

/** A handler saves registers first: where that faults, no instruction beyond these is reached. */
const HANDLER_BYTES = 256n;
/** So many exceptions of a handler in a row, and none other between them, are a loop. */
const LOOP = 32;

/** What a hart's traps have come to. */
interface Trapping {
  /** The last trap that was not its handler's own. */
  first: TrapEvent;
  /** Exceptions of the handler since. */
  again: number;
  looping: boolean;
  /** The user has been told of this loop. */
  told: boolean;
}

export class TrapLoops {
  private readonly last = new Map<number, Trapping>();

  clear(): void {
    this.last.clear();
  }

  /** True if the handler of exceptions, at `vector`, is what raises them, and nobody has been told. */
  follow(event: TrapEvent, vector: bigint): boolean {
    const last = this.last.get(event.hart);
    const inHandler = event.epc >= vector && event.epc < vector + HANDLER_BYTES;
    if (event.interrupt || !inHandler || event.from !== event.to || !last) {
      this.last.set(event.hart, { first: event, again: 0, looping: false, told: false });
      return false;
    }
    last.looping ||= event.epc === vector || ++last.again >= LOOP;
    return last.looping && !last.told;
  }

  /** The trap that began the loop that a hart is in, the first time this is asked. */
  tell(hart: number): TrapEvent | undefined {
    const last = this.last.get(hart);
    if (!last?.looping || last.told) return undefined;
    last.told = true;
    return last.first;
  }
}
