import { strict as assert } from 'node:assert';
import type { Stop, TrapEvent } from '../../emulator/types';
import { Catchpoints, FILTERS, type KernelWatch } from './catchpoints';
import { faultWords } from './catchpoints/traps';
import type { Condition, Overlay } from './conditions';
import type { Decision, StopReport } from './stops';
import { FakeHart, FakeMachine } from '../testing/fake-machine';

const trap = (fields: Partial<TrapEvent>): TrapEvent => ({
  hart: 0,
  interrupt: false,
  cause: 13,
  tval: 0x4008n,
  epc: 0x1000n,
  from: 0,
  to: 1,
  ...fields,
});

const USER_LOAD = trap({});
const KERNEL_STORE = trap({ cause: 15, from: 1, tval: 0n });
const TIMER = trap({ interrupt: true, cause: 5 });
const ECALL = trap({ cause: 8 });
const SBI_CALL = trap({ cause: 9, from: 1, to: 3 });
const ILLEGAL_IN_KERNEL = trap({ cause: 2, from: 1 });

/** Decides twice, which changes nothing, and records. */
function carryOut(decide: () => Decision): StopReport | undefined {
  const { report } = decide();
  const again = decide();
  assert.deepEqual(again.report, report);
  again.record();
  return report;
}
const judge = (catchpoints: Catchpoints, stop: Stop) => carryOut(() => catchpoints.decide(stop));
const reached = (catchpoints: Catchpoints, hart: FakeHart) => carryOut(() => catchpoints.decideAt(hart));

/** The filters' result for an event: whether the observer stopped the machine, and whether that is a stop for the user. */
function ask(
  filters: { filter: string; condition?: string }[],
  event: TrapEvent,
  holds: Condition = noCondition,
): string | undefined {
  const catchpoints = new Catchpoints(holds);
  catchpoints.bind(GUEST, new FakeMachine());
  catchpoints.set(filters);
  const asked = catchpoints.observer(() => 0n).trap?.(event);
  const report = judge(catchpoints, { kind: 'trap', event });
  if (!asked) assert.equal(report, undefined);
  return report && (report.description ?? report.cause?.kind);
}

/** A kernel in which all events but exec can be observed; a7 is 5, the number of read. */
const GUEST: KernelWatch = {
  x: () => 5n,
  systemCalls: () => ['read', 'open'],
  systemCall: (number) => (number === 5n ? 'read' : 'open'),
  missing: (kind) => (kind === 'exec' ? 'the kernel has no function kexec or exec' : undefined),
  addresses: (kinds) => [...(kinds.has('switch') ? [0x100n] : []), ...(kinds.has('panic') ? [0x200n] : [])],
  at: (hart) =>
    hart.pc === 0x100n
      ? { kind: 'switch', hart: hart.id, from: { pid: 3, name: 'sh' }, to: undefined }
      : { kind: 'panic', hart: hart.id, message: 'walk' },
  tableRoots: () => [],
  ...{ tableOn: () => undefined, processOn: () => undefined, walk: (root, va) => ({ va, root, steps: [] }) },
};

function noCondition(): boolean {
  throw new Error('no condition was expected');
}

/** The message for a filter with a wrong condition. */
function problem(filter: string, condition: string): string {
  const catchpoints = new Catchpoints(noCondition);
  catchpoints.bind(GUEST, new FakeMachine());
  const [answer] = catchpoints.set([{ filter, condition }]);
  assert.equal(answer!.verified, false);
  return answer!.message!;
}

describe('catchpoints', () => {
  it('tell kinds of traps apart', () => {
    const caught = (event: TrapEvent) =>
      FILTERS.map(({ filter }) => filter).filter((filter) => ask([{ filter }], event) !== undefined);
    assert.deepEqual(caught(USER_LOAD), ['page-fault']);
    assert.deepEqual(caught(KERNEL_STORE), ['page-fault', 'kernel-trap']);
    assert.deepEqual(caught(ILLEGAL_IN_KERNEL), ['kernel-trap']);
    assert.deepEqual(caught(TIMER), ['interrupt']);
    assert.deepEqual(caught(ECALL), ['system-call']);
    assert.deepEqual(caught(SBI_CALL), []);
  });

  it('take words as the condition of a page fault', () => {
    const caught = (condition: string) =>
      [USER_LOAD, KERNEL_STORE].map((event) => ask([{ filter: 'page-fault', condition }], event) !== undefined);
    assert.deepEqual(caught('user'), [true, false]);
    assert.deepEqual(caught('kernel store'), [false, true]);
    assert.deepEqual(caught('kernel load'), [false, false]);
    assert.deepEqual(caught('load, store'), [true, true]);
    assert.deepEqual(caught('fetch'), [false, false]);
    assert.equal(faultWords('$stval == 0'), undefined);
    assert.equal(faultWords('user && $stval'), undefined);
  });

  it('evaluate other conditions with what the trap is about to write', () => {
    const seen: Overlay[] = [];
    const answer = (value: boolean) => (_: string, __: number, overlay: Overlay) => {
      seen.push(overlay);
      return value;
    };
    const filters = [{ filter: 'page-fault', condition: '$stval == 0' }];
    assert.equal(ask(filters, KERNEL_STORE, answer(false)), undefined);
    assert.equal(ask(filters, KERNEL_STORE, answer(true)), 'trap');
    assert.deepEqual(seen[0], { scause: 15n, stval: 0n, sepc: 0x1000n });
  });

  it('stop with a word of why when a condition is wrong', () => {
    const wrong = (): boolean => {
      throw new Error('there is no "foo"');
    };
    const catchpoints = new Catchpoints(wrong);
    catchpoints.bind(GUEST, new FakeMachine());
    catchpoints.set([{ filter: 'system-call', condition: 'foo == 1' }]);
    const judged = [1, 2].map(() => judge(catchpoints, { kind: 'trap', event: ECALL }));
    assert.match(judged[0]?.description ?? '', /foo == 1.*there is no "foo".*not stop for this again/);
    assert.equal(judged[1], undefined);
  });

  it('tell a satp write', () => {
    const catchpoints = new Catchpoints((expression, _, overlay) => expression === 'x' && overlay['before'] === 1n);
    const event = { hart: 2, pc: 0n, before: 1n, after: 2n };
    assert.equal(judge(catchpoints, { kind: 'satpWrite', event }), undefined);
    catchpoints.set([{ filter: 'satp-write', condition: 'x' }]);
    assert.equal(judge(catchpoints, { kind: 'satpWrite', event })?.hart, 2);
  });

  it('take sources as the condition of an interrupt', () => {
    const uart = trap({ interrupt: true, cause: 9, source: 10 });
    const disk = trap({ interrupt: true, cause: 9, source: 1 });
    const software = trap({ interrupt: true, cause: 1 });
    const caught = (condition: string) =>
      [TIMER, software, uart, disk].map((event) => ask([{ filter: 'interrupt', condition }], event) !== undefined);
    assert.deepEqual(caught('timer'), [true, false, false, false]);
    assert.deepEqual(caught('uart, virtio disk'), [false, false, true, true]);
    assert.deepEqual(caught('irq 1'), [false, false, false, true]);
    assert.deepEqual(caught('10'), [false, false, true, false]);
    assert.deepEqual(caught('software external'), [false, true, true, true]);
    assert.match(problem('interrupt', 'keyboard'), /no source "keyboard"; there are timer, /);
  });

  it('take names as the condition of a system call', () => {
    const caught = (condition: string) => ask([{ filter: 'system-call', condition }], ECALL) !== undefined;
    assert.deepEqual([caught('read'), caught('open'), caught('sys_read, open')], [true, false, true]);
    assert.match(problem('system-call', 'raed, open'), /no system call "raed"; there are read, open/);
  });

  it('take devices and accesses as the condition of a device access', () => {
    const catchpoints = new Catchpoints(noCondition);
    catchpoints.bind(GUEST, new FakeMachine());
    const access = (device: string, way: 'read' | 'write', condition: string): boolean => {
      catchpoints.set([{ filter: 'device-access', condition }]);
      const event = { hart: 0, pc: 0n, device, offset: 0, size: 1, access: way, value: 0n } as const;
      return judge(catchpoints, { kind: 'device', event }) !== undefined;
    };
    assert.equal(access('uart', 'write', 'uart write'), true);
    assert.equal(access('uart', 'read', 'uart write'), false);
    assert.equal(access('virtio0', 'read', 'disk, plic'), true);
    assert.equal(access('clint', 'read', 'disk, plic'), false);
    assert.match(problem('device-access', 'uart, floppy'), /no device "floppy"/);
  });

  it('stop where the kernel does something, unless it cannot be seen to', () => {
    const catchpoints = new Catchpoints(
      (expression, _, { from, to }) => expression === '$from == 3' && from === 3n && to === 0n,
    );
    const hart = new FakeHart(1);
    catchpoints.bind(GUEST, new FakeMachine());
    assert.deepEqual(catchpoints.addresses, [0x200n], 'panic is caught unless the user says otherwise');
    hart.pc = 0x200n;
    assert.equal(reached(catchpoints, hart)?.cause?.kind, 'kernel');
    const answers = catchpoints.set([
      { filter: 'context-switch', condition: '$from == 3' },
      { filter: 'process-exec' },
    ]);
    assert.deepEqual(answers, [
      { verified: true },
      { verified: false, message: 'Process Execs cannot be caught: the kernel has no function kexec or exec.' },
    ]);
    assert.deepEqual(catchpoints.addresses, [0x100n]);
    assert.equal(reached(catchpoints, hart), undefined, 'panic is not');
    hart.pc = 0x100n;
    assert.equal(reached(catchpoints, hart)?.hart, 1);
    catchpoints.set([{ filter: 'context-switch', condition: '$from == 4' }]);
    assert.equal(reached(catchpoints, hart), undefined);
  });

  it('name a filter that does not exist', () => {
    assert.match(new Catchpoints(noCondition).set([{ filter: 'all' }])[0]?.message ?? '', /"all"/);
  });

  it('stop once at a hart that cannot execute its trap handler', () => {
    const catchpoints = new Catchpoints(noCondition);
    catchpoints.set([]);
    const observer = catchpoints.observer(() => 0x77n);
    const first = trap({ cause: 12, epc: 0n, tval: 0n, from: 1 });
    const again = trap({ cause: 12, epc: 0x77n, tval: 0x77n, from: 1 });
    assert.equal(observer.trap?.(first), false);
    assert.equal(judge(catchpoints, { kind: 'trap', event: first }), undefined);
    assert.equal(observer.trap?.(again), true);
    const report = judge(catchpoints, { kind: 'trap', event: again });
    assert.deepEqual(report?.cause, { kind: 'trap-loop', event: again, first });
    assert.equal(observer.trap?.(again), false);
    // Neither an interrupt before the handler's first instruction nor a trap in the middle of it is a loop.
    assert.equal(observer.trap?.(trap({ interrupt: true, cause: 7, epc: 0x77n, from: 1, to: 3 })), false);
    assert.equal(observer.trap?.(trap({ cause: 13, epc: 0x7bn, from: 1 })), false);
    assert.equal(observer.trap?.(again), true);
  });

  it('stop once at a hart whose trap handler faults further on, over and over', () => {
    const catchpoints = new Catchpoints(noCondition);
    catchpoints.set([]);
    const observer = catchpoints.observer(() => 0x1000n);
    const first = trap({ interrupt: true, cause: 9, from: 1, epc: 0x8000n });
    const again = trap({ cause: 15, epc: 0x1002n, tval: 0n, from: 1 });
    assert.equal(observer.trap?.(first), false);
    const asked = Array.from({ length: 40 }, () => {
      const wanted = observer.trap?.(again) === true;
      const report = judge(catchpoints, { kind: 'trap', event: again });
      assert.equal(report !== undefined, wanted);
      if (report) assert.deepEqual(report.cause, { kind: 'trap-loop', event: again, first });
      return wanted;
    });
    assert.deepEqual(
      asked.flatMap((wanted, index) => (wanted ? [index + 1] : [])),
      [32],
    );
  });

  it('do not take a handler for looping that faults now and then', () => {
    const catchpoints = new Catchpoints(noCondition);
    catchpoints.set([]);
    const observer = catchpoints.observer(() => 0x1000n);
    for (let count = 0; count < 100; count++) {
      assert.equal(observer.trap?.(trap({ cause: 15, epc: 0x1002n, from: 1 })), false);
      if (count % 10 === 0) assert.equal(observer.trap?.(trap({ cause: 13, epc: 0x1100n, from: 1 })), false);
    }
  });

  it('refuse a condition that cannot be understood, and are not in force with it', () => {
    const catchpoints = new Catchpoints(noCondition, (expression) => (expression === '1 +' ? 'it ends' : undefined));
    const answers = catchpoints.set([
      { filter: 'satp-write', condition: ' 1 + ' },
      { filter: 'system-call', condition: '1' },
    ]);
    assert.deepEqual(answers, [
      { verified: false, message: 'The condition "1 +" is not valid: it ends' },
      { verified: true },
    ]);
    assert.equal(catchpoints.isActive('satp-write'), false);
    assert.equal(catchpoints.isActive('system-call'), true);
    const words = new Catchpoints(noCondition, () => 'no expression');
    assert.deepEqual(words.set([{ filter: 'page-fault', condition: 'user store' }]), [{ verified: true }]);
  });
});
