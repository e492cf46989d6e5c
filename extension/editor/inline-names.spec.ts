import { strict as assert } from 'node:assert';
import { namesIn } from './inline-names';

describe('names in lines of C', () => {
  const found = (lines: string[], ...names: string[]): string[] =>
    namesIn((line) => lines[line]!, 0, lines.length - 1, new Set(names)).map(
      ({ name, line, start, end }) => `${line}:${start}-${end} ${name}`,
    );

  it('are found once a line', () => {
    assert.deepEqual(found(['int i = 0;', 'i = i + n;'], 'i', 'n'), ['0:4-5 i', '1:0-1 i', '1:8-9 n']);
    assert.deepEqual(found(['inner = in;'], 'in', 'inn'), ['0:8-10 in']);
  });

  it('are no members, no calls, and not in comments or strings', () => {
    assert.deepEqual(found(['p->i = q.i + walk(i);'], 'i', 'p', 'walk'), ['0:0-1 p', '0:18-19 i']);
    assert.deepEqual(found(['// i', 'f("i", \'i\'); /* i */ i'], 'i'), ['1:21-22 i']);
    assert.deepEqual(found(['/* i', '   i', 'i */ i', '"a \\" i" + i'], 'i'), ['2:5-6 i', '3:11-12 i']);
    assert.deepEqual(found(['a -> i', 'x = i (3);'], 'i'), []);
  });

  it('end on lines that have none', () => {
    assert.deepEqual(found(['', '/*', '*/', ' ', '"'], 'i'), []);
  });
});
