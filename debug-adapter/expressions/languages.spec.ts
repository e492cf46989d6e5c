/** Programs in C++ and Rust, as GCC, Clang and rustc describe them. */
import assert from 'node:assert/strict';
import { fixtureBytes, openFixture } from '../testing/symbols/fixtures';
import { callerOf } from '../testing/symbols/running';
import { childrenOf, countChildren } from './children';
import { evaluate } from './evaluate';
import { formatValue } from './format';
import { typeName } from './types';
import { variableValue, type EvaluationContext } from './value';

const WHOLE = { depth: 4, length: 1000 };

function texts(context: EvaluationContext) {
  const show = (text: string): string => formatValue(evaluate(text, context), context, WHOLE);
  return { show, type: (text: string): string => typeName(evaluate(text, context).type) };
}

/** The variables of the frame, by name, as the variables view shows them. */
function variablesOf(context: EvaluationContext): Record<string, string> {
  const { binary, scopePc } = context;
  const all = binary.scopesAt(scopePc!).flatMap(({ variables }) => variables);
  return Object.fromEntries(all.map((one) => [one.name, formatValue(variableValue(one, context), context, WHOLE)]));
}

for (const build of ['languages/gcc', 'languages/gcc-4', 'languages/clang'] as const) {
  describe(`C++ in ${build}`, () => {
    const binary = openFixture(build);
    const context = callerOf(binary, fixtureBytes(build), 'stop', 1);
    const { show, type } = texts(context);

    it('has functions and variables by their names in namespaces, or by the end of these', () => {
      const { name, line } = binary.functionAt(context.scopePc!)!;
      assert.equal(name, 'kernel::memory::Page::total');
      assert.equal(line, 42);
      for (const asked of ['kernel::memory::Page::total', 'Page::total', 'total'])
        assert.equal(binary.functionsNamed(asked)[0]?.name, 'kernel::memory::Page::total', asked);
      assert.equal(binary.functionsNamed('otal').length, 0);
      assert.equal(
        binary.functionsNamed('doubled')[0]?.name,
        `kernel::memory::Box<${build === 'languages/clang' ? 'long' : 'long int'}>::doubled`,
      );
      assert.equal(binary.symbolAt(context.scopePc!)?.symbol.name, 'kernel::memory::Page::total');
      assert.equal(show('kernel::memory::pages + memory::pages + pages'), '9');
      assert.equal(show('kernel::Object::count'), '6');
      if (build !== 'languages/gcc-4') assert.equal(show('kernel::hidden'), '77');
      assert.equal(show('calls'), '12');
    });

    it('has the values of a frame', () => {
      const { this: self, by, more, calls } = variablesOf(context);
      assert.match(self!, /^0x8000\w+/);
      assert.deepEqual({ by, more, calls }, { by: '{x = 3, y = 4}', more: '1', calls: '12' });
      assert.equal(type('by'), 'const kernel::Point');
    });

    it('has the members of an object by their names alone, and those of its base class', () => {
      assert.deepEqual(['id', 'where.y', 'secret', 'state', 'colour', 'dirty', 'letter'].map(show), [
        ...['9', '-9', '42', 'Running', 'Green', 'true', "233 'é'"],
      ]);
      assert.equal(show('this->id == id && this->where.x == 9'), '1');
      assert.match(
        show('*this'),
        /^\{<kernel::Object> = \{_vptr.Object = 0x\w+[^}]*, id = 9\}, state = Running, at = 0x\w+, where = \{x = 9, y = -9\}/,
      );
      const object = evaluate('*this', context);
      const names = childrenOf(object, context, '*this').map(({ name }) => name);
      assert.deepEqual(names, [
        '<kernel::Object>',
        'state',
        'at',
        'where',
        'next',
        'dirty',
        'colour',
        'letter',
        'secret',
      ]);
    });

    it('has references that stand for what they refer to', () => {
      assert.equal(show('at.x * 10 + by.y'), '34');
      assert.equal(show('at'), '{x = 3, y = 4}');
      assert.equal(show('&at == &by'), '1');
      assert.equal(show('sizeof(at)'), '8');
    });

    it('has types and enumerators by name', () => {
      assert.equal(type('(kernel::memory::Page *)this'), 'kernel::memory::Page *');
      assert.equal(show('((Page *)this)->where.x'), '9');
      assert.equal(show('sizeof(kernel::Point)'), '8');
      assert.equal(show('state == kernel::State::Running && colour == Green'), '1');
      assert.deepEqual(binary.warnings, []);
    });
  });
}

describe('Rust', () => {
  const binary = openFixture('languages/rust');
  const bytes = fixtureBytes('languages/rust');
  const first = callerOf(binary, bytes, 'stop', 1);
  const { show, type } = texts(first);

  it('has functions by their demangled names, and statics', () => {
    assert.equal(binary.functionAt(first.scopePc!)?.name, 'kernel::first');
    assert.equal(binary.symbolAt(first.scopePc!)?.symbol.name, 'kernel::first');
    for (const asked of ['kernel::process::Process::rename', 'Process::rename', 'rename'])
      assert.equal(binary.functionsNamed(asked)[0]?.name, 'kernel::process::Process::rename', asked);
    assert.equal(show('NUMBERS'), '{3, 1, 4, 1}');
    assert.equal(show('process::INIT.pid + kernel::process::CURRENT.pid'), '3');
    assert.match(show('&CURRENT'), /^0x\w+ <kernel::process::CURRENT>$/);
  });

  it('has locals, slices, strings and enumerations with data', () => {
    const { numbers, event, found, text, key, idle, nothing } = variablesOf(first);
    assert.deepEqual(
      { numbers, event, found, text, key, idle, nothing },
      {
        numbers: '{3, 1, 4, 1}',
        event: 'Move {x = 8, y = -9}',
        found: 'Some(42)',
        text: '"café"',
        key: 'Key(65)',
        idle: 'Idle',
        nothing: 'None',
      },
    );
    assert.deepEqual(['numbers', 'text', 'found', 'event'].map(type), [
      ...['&[u32]', '&str', 'kernel::Option<u32>', 'kernel::process::Event'],
    ]);
  });

  it('has structures with all of these in them', () => {
    assert.equal(
      show('INIT'),
      '{pid = 1, state = Sleeping, name = "init", parent = None, last = Move {x = -3, y = 4}, ' +
        `limits = {10, 20, 30}, pair = {5, 6}, alive = true, letter = 82 'R'}`,
    );
    assert.match(show('CURRENT.parent'), /^Some\(0x\w+ <kernel::process::INIT>\)$/);
    assert.equal(show('CURRENT.last'), 'Wide(4294967297, 77)');
    assert.equal(show('CURRENT.state == State::Running && INIT.state == Sleeping'), '1');
    assert.equal(show('((process::Process *)&INIT)->limits[1]'), '20');
  });

  it('has the members of the variant that is there, and of no other', () => {
    assert.equal(show('event.Move.y'), '-9');
    assert.equal(show('found.Some.__0'), '42');
    assert.equal(show('CURRENT.parent.Some.__0->pid'), '1');
    assert.throws(() => show('event.Key'), /this is Move now, not Key/);
    assert.throws(() => show('idle.Move.x'), /this is Idle now, not Move/);
    const children = (text: string): string[] =>
      childrenOf(evaluate(text, first), first, text).map(({ name, evaluateName }) => `${name} ${evaluateName}`);
    assert.deepEqual(children('event'), ['Move event.Move']);
    assert.deepEqual(children('numbers'), ['[0] numbers[0]', '[1] numbers[1]', '[2] numbers[2]', '[3] numbers[3]']);
    assert.equal(show('numbers[2]'), '4');
    assert.deepEqual(countChildren(evaluate('text', first), first), { named: 0, indexed: 0 });
  });

  it('is read without a warning, in a method too', () => {
    const method = callerOf(binary, bytes, 'stop', 2);
    const { pid, name } = variablesOf(method);
    assert.deepEqual({ pid, name }, { pid: '2', name: '"renamed"' });
    assert.equal(texts(method).show('self->name'), '"renamed"');
    assert.deepEqual(binary.warnings, []);
  });
});
