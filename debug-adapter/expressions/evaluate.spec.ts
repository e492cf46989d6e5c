import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ExpressionError } from './error';
import { evaluate, evaluateCondition, integerOf } from './evaluate';
import { formatValue } from './format';
import { expressionContext, expressionProgram, secondProcess } from '../testing/expression-program';
import type { Type } from '../symbols/api';
import { FIXTURE_NAMES, openFixture } from '../testing/symbols/fixtures';
import * as C from './types';
import { typeName } from './types';
import { numberOf } from './value';

describe('C expressions', function () {
  const { context } = expressionContext();
  const show = (text: string) => formatValue(evaluate(text, context), context);
  const type = (text: string) => typeName(evaluate(text, context).type);
  const number = (text: string) => numberOf(evaluate(text, context), context);
  const fails = (text: string, pattern: RegExp) =>
    assert.throws(
      () => evaluate(text, context),
      (error) => error instanceof ExpressionError && pattern.test(error.message),
    );

  it('read constants of every form', () => {
    assert.deepEqual(['10', '0x1F', '017', "'A'", "'\\n'", "'\\0'", "'\\x41'", '0b101', '10UL'].map(number), [
      10n,
      31n,
      15n,
      65n,
      10n,
      0n,
      65n,
      5n,
      10n,
    ]);
    assert.deepEqual(['2147483647', '2147483648', '0x80000000', '0xffffffffffffffff', '1u', '1l', "'a'"].map(type), [
      'int',
      'long',
      'unsigned int',
      'unsigned long',
      'unsigned int',
      'long',
      'int',
    ]);
    fails('0x1ffffffffffffffff', /^expression:1:1: 0x1ffffffffffffffff does not fit/);
    fails('12ab', /not a number of C/);
    fails('089', /not a number of C/);
  });

  it('bind operators as C does', () => {
    assert.deepEqual(
      [
        '2 + 3 * 4',
        '(2 + 3) * 4',
        '10 - 2 - 3',
        '1 << 2 + 1',
        '5 & 3 == 3',
        '1 | 2 ^ 3 & 4',
        '-2 - -3',
        '!0 + ~0',
        '1 ? 2 : 0 ? 3 : 4',
        '0 ? 2 : 0 ? 3 : 4',
        '1 || 0 && 0',
        '7 % 4 * 2',
        '1 < 2 == 1',
        '(1, 2)',
      ].map(number),
      [14n, 20n, 5n, 8n, 1n, 3n, 1n, 0n, 2n, 4n, 1n, 6n, 1n, 2n],
    );
  });

  it('wrap around and convert as RV64 does', () => {
    assert.equal(number('2147483647 + 1'), -2147483648n);
    assert.equal(number('0xffffffff + 1'), 0n);
    assert.equal(number('-1 < 1u'), 0n, 'int becomes unsigned');
    assert.equal(number('-1 < 1l'), 1n);
    assert.equal(number('-7 / 2'), -3n);
    assert.equal(number('-7 % 2'), -1n);
    assert.equal(number('-8 >> 1'), -4n);
    assert.equal(number('ticks + 1'), 0n);
    assert.equal(type('small + letter'), 'int');
    assert.equal(number('small + letter'), 64n);
    assert.equal(number('(unsigned char)small'), 255n);
    assert.equal(number('(short)0x18000'), -32768n);
    assert.equal(number('(_Bool)256'), 1n);
    assert.equal(number('(uint64)-1 >> 63'), 1n);
    assert.equal(number('(long)i'), -5n);
    fails('1 / 0', /^expression:1:3: division by zero/);
    fails('1 << 32', /shift by 32 is undefined/);
  });

  it('agree with a model of 64-bit and 32-bit arithmetic', () => {
    const wide = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
    fc.assert(
      fc.property(wide, wide, fc.constantFrom('+', '-', '*', '&', '|', '^'), (a, b, operator) => {
        const full = { '+': a + b, '-': a - b, '*': a * b, '&': a & b, '|': a | b, '^': a ^ b }[operator]!;
        assert.equal(number(`${a}ul ${operator} ${b}ul`), BigInt.asUintN(64, full));
        assert.equal(number(`(int)${a}ul ${operator} (int)${b}ul`), BigInt.asIntN(32, full));
      }),
      { numRuns: 200 },
    );
  });

  it('convert as C does where types meet', () => {
    assert.deepEqual(
      ['1 ? -1 : 0u', '0 ? 1 : 2l', '1 ? 1 : 2.0', "1 ? 'a' : 1", '1 ? small : small', 'UNUSED - 1'].map(type),
      ['unsigned int', 'long', 'double', 'int', 'signed char', 'int'],
    );
    assert.equal(number('1 ? -1 : 0u'), 0xffffffffn);
    assert.equal(number('UNUSED - 1'), -1n, 'an enumerator is an int');
    assert.equal(number('(unsigned char)300 + (signed char)200'), -12n);
    assert.equal(number('0x7fffffff * 2u'), 0xfffffffen);
    assert.equal(number('-1 > 0ul'), 1n);
    assert.equal(number('(unsigned)-1 / 2'), 0x7fffffffn);
    assert.equal(number('-1 >> 31'), -1n);
    assert.equal(number('-1u >> 31'), 1n);
    assert.equal(number('flags.rest << 1'), 330n);
    assert.equal(type('flags.rest'), 'unsigned int');
    assert.equal(type('flags.rest + 1'), 'int', 'a narrow bit field becomes int');
  });

  it('calculate with floating-point numbers', () => {
    assert.deepEqual(
      ['1.5', '.5f', '2e3', '1.5 + 1', '7 / 2.0', '(float)1 / 3', '-1.25', '(double)i', '1e300 * 1e300', '0.0 / 0'].map(
        show,
      ),
      ['1.5', '0.5', '2000', '2.5', '3.5', '0.33333334', '-1.25', '-5', 'inf', 'nan'],
    );
    assert.deepEqual(['1.5', '1.5f', '1.5L', '1.5f + 1', '1.5f * 2.0'].map(type), [
      ...['double', 'float', 'long double', 'float', 'double'],
    ]);
    assert.deepEqual(
      [
        '(int)2.9',
        '(int)-2.9',
        '(unsigned char)1e9',
        '(long)(0.0 / 0)',
        '(_Bool)0.5',
        '1.5 > 1',
        '0.0 || 0',
        '!0.5',
      ].map(number),
      [2n, -2n, 255n, 0x7fffffffffffffffn, 1n, 1n, 0n, 0n],
    );
    assert.equal(show('1.5L + 2'), '3.5');
    fails('1.5 % 2', /^expression:1:5: % needs whole numbers/);
    fails('1.5 << 1', /needs whole numbers/);
    fails('matrix[1.5]', /^expression:1:8: an index must be a whole number, but this is double/);
    fails('1.2.3', /expression:1:/);
  });

  it('tell sizes and alignments without reading anything', () => {
    assert.equal(show('_Alignof(struct proc)'), '8');
    assert.equal(show('_Alignof(int[3]) + _Alignof letter + __alignof__(uint64)'), '13');
    assert.equal(show('sizeof(((struct proc *)0)->name)'), '16');
    assert.equal(show('sizeof(((struct proc *)0)->parent->parent->name[3])'), '1');
    assert.equal(show('sizeof(1 / 0)'), '4');
    assert.equal(show('sizeof(i++)'), '4');
    assert.equal(show('i'), '-5', 'the operand of sizeof is not evaluated');
    assert.equal(show('sizeof(i ? 1 : 2ul) + sizeof(!i) + sizeof(i && i) + sizeof(-small)'), '20');
    fails('sizeof(void)', /void has no size/);
    fails('_Alignof(main)', /has no size/);
  });

  it('find statics by their file or function', () => {
    assert.equal(show('main.c::ticks'), '4294967295');
    assert.equal(show('kernel/main.c::ticks == ticks'), '1');
    assert.equal(show("'kernel/main.c'::ticks + 0u"), '4294967295');
    assert.equal(show('&main.c::matrix[1]'), '0x8000101c <matrix+12>');
    fails('other.c::ticks', /^expression:1:1: other.c has no static variable and no function "ticks"/);
    fails('nobody::ticks', /nobody has no static/);
    fails('main::', /expression:1:/);
  });

  it('reach variables, members, elements and what pointers point to', () => {
    assert.equal(show('p->pid'), '3');
    assert.equal(show('p->state'), 'RUNNING');
    assert.equal(show('p->parent->name'), '"init"');
    assert.equal(show('p.pid'), '3', 'a dot is taken for the arrow');
    assert.equal(show('(*p).sz'), '16384');
    assert.equal(show('proc[1].pid + proc[0].pid'), '4');
    assert.equal(show('p - proc'), '1');
    assert.equal(show('&proc[1] == p'), '1');
    assert.equal(show('(p - 1)->pid'), '1');
    assert.equal(show('matrix[1][2]'), '6');
    assert.equal(show('*matrix[1]'), '4');
    assert.equal(show('2[matrix[0]]'), '3');
    assert.equal(show('p->low'), '7', 'inside an unnamed union');
    assert.equal(show('p->wide'), '21474836487');
    assert.equal(show('matrix[1][0..2]'), '{4, 5}');
    assert.equal(show('matrix[0][1]@2'), '{2, 3}');
    assert.equal(show('half'), '-21474836473');
    fails('p->nothing', /^expression:1:4: struct proc has no member nothing; it has pid, state/);
    fails('i->pid', /-> needs a pointer, but this is int/);
    fails('*i', /^expression:1:1: this is a number \(int\), not a pointer/);
    fails('proc[0].parent->pid + 1', /^expression:1:21: cannot read memory at 0x0/);
    fails('p + p', /C has no struct proc \* \+ struct proc \*/);
    fails('gone + 1', /^expression:1:6: optimized out/);
    fails('matrix[0][0..0]', /slice of 0 elements/);
  });

  it('cast to any type of the program', () => {
    assert.equal(show('((struct proc *)$s1)->pid'), '3');
    assert.equal(show('*(int *)0x80002000'), '-5');
    assert.equal(show('*(int (*)[3])0x80001010'), '{1, 2, 3}');
    assert.equal(type('(int (*)[3])0'), 'int (*)[3]');
    assert.equal(type('(void (*)(int, char *))0'), 'void (*)(int, char *)');
    assert.equal(type('(const char **)0'), 'const char **');
    assert.equal(type('(pagetable_t)0'), 'pagetable_t');
    assert.equal(type('(long unsigned int)1'), 'unsigned long');
    assert.equal(show('(enum procstate)2'), 'RUNNING');
    assert.equal(show('(i) - 1'), '-6', 'a variable in parentheses is no cast');
    assert.equal(show('sizeof(struct proc)'), show('sizeof proc / 4'));
    assert.equal(show('sizeof(uint64 *) + sizeof(char[10]) + sizeof i'), '22');
    assert.equal(show('sizeof(int)*2'), '8');
    fails('(struct none *)0', /^expression:1:2: the program has no struct none/);
    fails('(struct proc)p', /C has no cast to struct proc/);
    fails('(unsigned float)1', /no type of C/);
    fails('*(void *)p', /void \* cannot be dereferenced/);
  });

  it('know functions and enumerators', () => {
    assert.equal(show('main'), '{int (void)} 0x80000100 <main>');
    assert.equal(show('&main'), '0x80000100 <main>');
    assert.equal(show('p->run'), '0x80000104 <main+4>');
    assert.equal(show('p->state == RUNNING'), '1');
    assert.equal(show('SLEEPING'), 'SLEEPING');
    assert.equal(show('(uint64)etext'), '2147516416');
    fails('main()', /cannot be called/);
  });

  it('read registers and CSRs, with $ or where no variable hides the name', () => {
    assert.equal(show('$sp'), '0x2000');
    assert.equal(show('$x2'), '0x2000');
    assert.equal(show('a0'), '0xa000');
    assert.equal(show('a1'), '42', 'the variable, not the register');
    assert.equal(show('$a1'), '0xb000');
    assert.equal(show('$pc'), '0x80000100 <main>');
    assert.equal(show('$zero'), '0x0');
    assert.equal(show('$satp'), 'Sv39, ASID 0, root 0x87fff000');
    assert.equal(show('scause'), '0xd (load page fault)');
    assert.equal(show('$sstatus.SPP'), '1 (S)');
    assert.equal(show('$sstatus.sum'), '0');
    assert.equal(show('($satp & 0xfffffffffff) << 12'), '2281697280');
    assert.equal(show('$a2'), '<optimized out>');
    fails('$nothing', /there is no register \$nothing/);
    fails('$satp.SPP', /has no field SPP; it has PPN, ASID, MODE/);
    fails('nothing', /^expression:1:1: no variable, function or register is named "nothing" here/);
  });

  it('compare text with strings', () => {
    assert.equal(show('p->name == "sh"'), '1');
    assert.equal(show('p->entry != "other"'), '1');
    assert.equal(show('proc[0].name == "sh"'), '0');
    assert.equal(show('"a" "b"'), '"ab"');
    fails('p->pid == "sh"', /can only be compared with char/);
    assert.equal(evaluateCondition('p->pid == 3 && p->name == "sh"', context), true);
    assert.equal(evaluateCondition('p->parent', context), true);
    assert.equal(evaluateCondition('proc[0].parent', context), false);
  });

  it('read enumerators of compiled programs', () => {
    for (const name of FIXTURE_NAMES) {
      const compiled = { ...context, binary: openFixture(name) };
      const value = evaluate('ZOMBIE', compiled);
      assert.equal(formatValue(value, compiled), 'ZOMBIE', name);
      assert.equal(typeName(value.type), 'enum state', name);
      assert.equal(numberOf(evaluate('ZOMBIE < UNUSED', compiled), compiled), 1n, name);
    }
  });

  it('read bit fields of every base type by its sign', () => {
    const field = (of: Type) =>
      numberOf(
        { type: of, location: { kind: 'bytes', bytes: Uint8Array.of(0xd0) }, bitField: { size: 4, offset: 4 } },
        context,
      );
    for (const signed of [C.SIGNED_CHAR, C.SHORT, C.INT, C.LONG]) assert.equal(field(signed), -3n, typeName(signed));
    for (const unsigned of [C.CHAR, C.UNSIGNED_CHAR, C.UNSIGNED_SHORT, C.UNSIGNED, C.UNSIGNED_LONG])
      assert.equal(field(unsigned), 13n, typeName(unsigned));
  });

  it('read bit fields', () => {
    assert.equal(show('flags'), '{valid = 1, level = -2, rest = 165}');
    assert.equal(show('flags.level - 1'), '-3');
    fails('&flags.level', /a bit field has no address/);
    fails('&p', /in a register/);
    fails('&1', /only what lies in memory/);
  });

  it('give the numbers that translations and conditions need', () => {
    assert.equal(integerOf(evaluate('proc', context), context), 0x80010000n);
    assert.equal(integerOf(evaluate('main', context), context), 0x80000100n);
    assert.equal(integerOf(evaluate('p', context), context), secondProcess(expressionProgram()));
    assert.equal(integerOf(evaluate('*p', context), context), undefined);
    assert.equal(integerOf(evaluate('i', context), context), -5n);
  });

  it('name the place of what is wrong', () => {
    fails('', /^expression:1:1: the expression is empty/);
    fails('1 +', /^expression:1:4: an operand is missing/);
    fails('(1', /^expression:1:3: expected "\)", found end/);
    fails('1 2', /^expression:1:3: unexpected "2"/);
    fails('a `', /does not belong to a C expression/);
    fails('"abc', /closing " is missing/);
    fails("'ab'", /exactly one character/);
    fails('p->', /a member's name must follow/);
    fails('1 + * 2', /number \(int\), not a pointer/);
    fails('('.repeat(5000), /longer than/);
    fails('('.repeat(1000), /nested too deeply/);
    fails('-'.repeat(2000), /nested too deeply/);
    fails('i = 1', /would change the program/);
    fails('i++', /would change the program/);
  });

  it('end for any text at all, with a value or with the place of an error', () => {
    const { context } = expressionContext();
    const attempt = (text: string): void => {
      try {
        formatValue(evaluate(text, context, { assignments: true }), context);
      } catch (error) {
        assert.ok(error instanceof ExpressionError, `${JSON.stringify(text)}: ${String(error)}`);
        assert.match(error.message, /^expression:1:\d+: ./, JSON.stringify(text));
        assert.ok(error.offset! <= text.length, JSON.stringify(text));
      }
    };
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 40 }), attempt), { numRuns: 1000 });
    fc.assert(fc.property(fc.stringMatching(/^[-+*&!~()[\]{}.,?:;'"\\a-z0-9$ <>=|^%@#/]{0,60}$/), attempt), {
      numRuns: 2000,
    });
    for (const long of [
      '1+',
      'p->',
      '(',
      '-',
      'i[',
      '!',
      'sizeof ',
      '(int)',
      '1?',
      '1,',
      'i++ ',
      '1?1:',
      '*&',
      '"a" ',
      '$pte(',
    ])
      for (const times of [10, 190, 399, 500, 999, 2000]) attempt(long.repeat(times) + '1');
    for (const [open, close] of ['()', '[]'].map((pair) => [...pair]))
      for (const times of [100, 199, 201, 499]) attempt(open!.repeat(times) + 'i' + close!.repeat(times));
    attempt(`1${'+1'.repeat(499)}`);
    attempt(`i${'[0]'.repeat(332)}`);
    attempt(`(int${'*'.repeat(990)})0`);
    attempt(`(int(${'*('.repeat(200)})0`);
  });

  it('never do anything but answer or refuse', () => {
    const piece = fc.constantFrom(
      ...['p', 'i', '->', '.', '[', ']', '(', ')', '*', '&', '+', '-', '1', 'proc', 'name', '"s"', '=', '?', ':', '..'],
      ...['(int)', 'sizeof', ',', '<<', '$sp', '$satp', '@', '!', 'struct', 'flags', 'level', 'matrix', "'"],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        try {
          formatValue(evaluate(pieces.join(' '), context), context);
        } catch (error) {
          assert.ok(error instanceof ExpressionError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
