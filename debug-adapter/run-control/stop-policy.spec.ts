import { strict as assert } from 'node:assert';
import { Mode } from '../../emulator/types';
import { Breakpoints, type Breakpoint } from './breakpoints';
import { Catchpoints, type KernelWatch } from './catchpoints';
import { DataBreakpoints } from './data-breakpoints';
import type { StopReport } from './stops';
import { hitConditionProblem, type ConditionEvaluator, type BreakpointOptions } from './conditions';
import { FakeHart, FakeMachine } from '../testing/fake-machine';
import { BreakpointPolicy } from './stop-policy';

const AT = 0x80001000n;

/** A policy with one instruction breakpoint, which needs no program. */
function setUp(extras: BreakpointOptions, condition: (expression: string) => boolean = () => true) {
  const breakpoints = new Breakpoints();
  const logged: string[] = [];
  const evaluator: ConditionEvaluator = {
    condition,
    logText: (message) => message.toUpperCase(),
  };
  const data = new DataBreakpoints(evaluator, () => undefined);
  const catchpoints = new Catchpoints(() => true);
  const guest: KernelWatch = {
    ...{ x: () => 0n, systemCalls: () => [], systemCall: () => undefined, missing: () => undefined },
    ...{ addresses: () => [0x80009000n], tableRoots: () => [] },
    ...{ tableOn: () => undefined, processOn: () => undefined, walk: (root, va) => ({ va, root, steps: [] }) },
    at: ({ id, pc }) => (pc === 0x80009000n ? { kind: 'panic', hart: id, message: 'walk' } : undefined),
  };
  catchpoints.bind(guest, new FakeMachine());
  const policy = new BreakpointPolicy(breakpoints, catchpoints, data, {
    ...evaluator,
    programOn: () => undefined,
    hasBytes: () => false,
  });
  const [breakpoint] = breakpoints.setInstructions([{ kind: 'instruction', address: AT, ...extras }]) as [Breakpoint];
  breakpoint.binding = { verified: true, locations: [{ address: AT, owner: 'any' }] };
  breakpoints.setFunctions([]);
  const hart = new FakeHart(0);
  hart.pc = AT;
  /** The hart passes; deciding alone, twice, has changed nothing. */
  const pass = (at: FakeHart): StopReport | undefined => {
    const { report, logs, record } = policy.decideAt(at);
    const { hits, reported } = breakpoint;
    const again = policy.decideAt(at);
    assert.deepEqual([again.report, again.logs], [report, logs]);
    assert.deepEqual([breakpoint.hits, breakpoint.reported], [hits, reported]);
    record();
    logged.push(...logs);
    return report;
  };
  const hits = (times: number): boolean[] => Array.from({ length: times }, () => pass(hart) !== undefined);
  return { policy, hart, hits, logged, pass };
}

describe('the policy at a breakpoint', () => {
  it('counts hits in every way that can be written', () => {
    const stops = (hitCondition: string): string =>
      setUp({ hitCondition })
        .hits(6)
        .map((stopped) => (stopped ? '!' : '.'))
        .join('');
    assert.equal(stops('3'), '..!!!!');
    assert.equal(stops('>= 3'), '..!!!!');
    assert.equal(stops('> 3'), '...!!!');
    assert.equal(stops('== 3'), '..!...');
    assert.equal(stops('=3'), '..!...');
    assert.equal(stops('<3'), '!!....');
    assert.equal(stops('<= 3'), '!!!...');
    assert.equal(stops('% 2'), '.!.!.!');
    assert.match(hitConditionProblem('twice') ?? '', /"twice"/);
    assert.match(hitConditionProblem('%0') ?? '', /0th/);
    assert.equal(hitConditionProblem('% 4'), undefined);
  });

  it('does not count what its condition excludes', () => {
    // Asked twice a pass.
    let asked = 0;
    const { hits } = setUp({ condition: 'odd', hitCondition: '2' }, () => Math.ceil(++asked / 2) % 2 === 1);
    assert.deepEqual(hits(4), [false, false, true, false]);
  });

  it('logs in place of stopping', () => {
    const { hits, logged } = setUp({ logMessage: 'here' });
    assert.deepEqual(hits(2), [false, false]);
    assert.deepEqual(logged, ['HERE', 'HERE']);
  });

  it('stops once where a condition fails, and says so', () => {
    const { hart, pass } = setUp({ condition: 'p->' }, () => {
      throw new Error('a member is missing');
    });
    assert.match(pass(hart)?.description ?? '', /"p->" failed: a member is missing.*not stop for this again/);
    assert.equal(pass(hart), undefined);
  });

  it('stops at panic of its own accord, but not at the same address of a user program', () => {
    const { policy, hart, pass } = setUp({});
    hart.pc = 0x80009000n;
    assert.deepEqual(pass(hart)?.cause?.event, { kind: 'panic', hart: 0, message: 'walk' });
    assert.ok(policy.addresses().has(0x80009000n));
    hart.mode = Mode.User;
    assert.equal(pass(hart), undefined);
  });

  it('stops nowhere without debugging', () => {
    const { policy } = setUp({});
    policy.enabled = false;
    assert.equal(policy.addresses().size, 0);
  });
});
