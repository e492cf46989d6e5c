import assert from 'node:assert/strict';
import { expressionContext } from '../testing/expression-program';
import { ExpressionError } from './error';
import { assign, evaluate } from './evaluate';
import { formatValue } from './format';

describe('assignment', () => {
  it('writes memory, converted to the type of the target', () => {
    const { context } = expressionContext();
    const set = (target: string, value: string) => formatValue(assign(target, value, context), context);
    assert.equal(set('i', '0x1ffffffffl'), '-1');
    assert.equal(set('p->pid', 'i + 8'), '7');
    assert.equal(set('p->state', 'SLEEPING'), 'SLEEPING');
    assert.equal(set('p->parent', 'p'), '0x80010080 <proc+128>');
    assert.equal(set('p->name', '"cat"'), '"cat"');
    assert.equal(set('flags.level', '3'), '3');
    assert.equal(formatValue(evaluate('flags', context), context), '{valid = 1, level = 3, rest = 165}');
    assert.equal(set('proc[0]', 'proc[1]').slice(0, 24), '{pid = 7, state = SLEEPI');
    assert.throws(() => assign('1', '2', context), /computed value, not a place/);
    assert.throws(() => assign('gone', '2', context), /optimized out, so it cannot be written/);
    assert.throws(() => assign('*(int *)0', '2', context), /cannot write memory at 0x0/);
    assert.throws(() => assign('p->name', '"much longer than it may be"', context), /longer than 16/);
    assert.throws(() => assign('*p', 'i', context), /int cannot be assigned to struct proc/);
    assert.throws(() => assign('matrix', '1', context), /cannot be assigned to/);
  });

  it('writes registers, pc, CSRs and their fields', () => {
    const { context } = expressionContext();
    const set = (target: string, value: string) => formatValue(assign(target, value, context), context);
    assert.equal(set('$a0', '-1'), '0xffffffffffffffff');
    assert.equal(context.frame.x[10], 0xffffffffffffffffn);
    assert.equal(set('$pc', 'main + 4'), '0x80000104 <main+4>');
    assert.equal(context.frame.pc, 0x80000104n);
    assert.equal(set('$satp', '0'), 'Bare, no translation');
    assert.equal(set('$sstatus.SUM', '1'), '1');
    assert.equal(context.csr!('sstatus'), 0x40120n);
    assert.throws(() => assign('$sstatus.SPP', '2', context), /does not fit into 1 bit/);
    assert.throws(() => assign('$zero', '2', context), ExpressionError);
  });

  it('stands in expressions where it is allowed', () => {
    const { context } = expressionContext();
    const run = (text: string) => formatValue(evaluate(text, context, { assignments: true }), context);
    assert.equal(run('i = 3'), '3');
    assert.equal(run('i += 4'), '7');
    assert.equal(run('i <<= 1'), '14');
    assert.equal(run('i++'), '14');
    assert.equal(run('--i'), '14');
    assert.equal(run('p++'), '0x80010080 <proc+128>');
    assert.equal(run('p == &proc[2]'), '1');
    assert.equal(run('i = ticks = 5'), '5');
    assert.equal(run('ticks'), '5');
  });
});
