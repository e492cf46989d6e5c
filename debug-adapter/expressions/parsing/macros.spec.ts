import assert from 'node:assert/strict';
import { ExpressionError } from '../error';
import { evaluate } from '../evaluate';
import { formatValue } from '../format';
import { expressionProgram } from '../../testing/expression-program';

describe('macros in expressions', () => {
  const program = expressionProgram();
  const define = (text: string): void => {
    const [, name, parameters, body] = /^(\w+)(?:\(([^)]*)\))? (.*)$/.exec(text)!;
    program.macros.set(name!, {
      name: name!,
      ...(parameters === undefined ? {} : { parameters: parameters.split(',').filter((one) => one !== '') }),
      body: body!,
    });
  };
  for (const text of [
    ...[
      'PAGE 4096',
      'ROUND(x) (((x) + PAGE - 1) & ~(PAGE - 1))',
      'MOST(a,b) ((a) > (b) ? (a) : (b))',
      'NULL ((void *)0)',
    ],
    ...['ADD 1 + 2', 'SELF SELF + 1', 'A B', 'B A', 'BODY do { } while (0)', 'PASTE(a) a##1', 'NAMED(i) proc[i].name'],
    ...['NOTHING() 7', 'pid 99', 'ticks 1', 'EMPTY ', 'TWICE(x) x x', 'F(x) G(x, x)', 'G(a,b) (a * b)', 'uint64 int'],
  ])
    define(text);
  const context = program.context([]);
  const show = (text: string) => formatValue(evaluate(text, context), context);
  const fails = (text: string, pattern: RegExp) =>
    assert.throws(
      () => evaluate(text, context),
      (error) => error instanceof ExpressionError && pattern.test(error.message),
    );

  it('stand for their text, with arguments and other macros in it', () => {
    assert.equal(show('PAGE'), '4096');
    assert.equal(show('ROUND(4097)'), '8192');
    assert.equal(show('ROUND(PAGE + 1) / PAGE'), '2');
    assert.equal(show('MOST(ROUND(1), MOST((2, 3), 4))'), '4096');
    assert.equal(show('ADD * 3'), '7', 'as text, not as a value');
    assert.equal(show('NAMED(0)'), '"init"');
    assert.equal(show('NULL == 0'), '1');
    assert.equal(show('NOTHING()'), '7');
    assert.equal(show('F(3)'), '9');
  });

  it('give way to what the program has of the name', () => {
    assert.equal(show('ticks'), '4294967295');
    assert.equal(show('proc[0].pid'), '1', 'a member');
    assert.equal(show('sizeof(uint64)'), '8');
    fails('MOST', /no variable, function or register is named "MOST"/);
  });

  it('end, however they refer to each other', () => {
    fails('SELF', /no variable, function or register is named "SELF"/);
    fails('A', /is named "A"/);
    let text = '1';
    for (let i = 0; i < 12; i++) text = `TWICE(${text} +)`;
    fails(`${text} 1`, /too long|operand/);
  });

  it('are refused where they stand for no expression', () => {
    fails('1 + BODY', /^expression:1:5: the macro BODY stands for "do \{ \} while \(0\)", which is no expression/);
    fails('PASTE(i)', /which is no expression/);
    fails('MOST(1)', /^expression:1:1: the macro MOST takes 2 arguments, not 1/);
    fails('MOST(1, 2', /the arguments of the macro MOST do not end/);
    fails('1 + EMPTY', /an operand is missing/);
    fails('PAGE + nobody', /^expression:1:8: no variable/);
  });
});
