import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { addressIn, listing } from './listing';
import { expressionInAssembly } from './expression-at';

const main = { symbol: 'main', location: { path: '/lab/kernel/main.c' } };

describe('a memory reference', () => {
  it('ends in its address', () => {
    assert.equal(addressIn('0x80000e16'), 0x80000e16n);
    assert.equal(addressIn('user:2:0xb40'), 0xb40n);
  });
});

describe('disassembly listing', () => {
  const { text, current } = listing(
    [
      { address: '-1', instruction: '??' },
      { address: '0x80000e12', instruction: 'unknown', presentationHint: 'invalid' },
      { address: '0x80000e16', instructionBytes: '41 11', instruction: 'addi sp,sp,-16', line: 12, ...main },
      { address: '0x80000e18', instructionBytes: '06 e4', instruction: 'sd ra,8(sp)', line: 12, ...main },
      { address: '0x80000e1a', instruction: 'jal 80000090 <start>', line: 13, ...main },
      { address: '0x80000e1e', instruction: 'ret', symbol: 'kinit' },
    ],
    0x80000e18n,
  );

  it('looks like the listings that xv6 makes of its kernel', () => {
    assert.equal(
      text,
      [
        '0000000080000e16 <main>:',
        '                  # kernel/main.c:12',
        '   80000e16:  4111        addi sp,sp,-16',
        '=> 80000e18:  06e4        sd ra,8(sp)',
        '                  # kernel/main.c:13',
        '   80000e1a:              jal 80000090 <start>',
        '',
        '0000000080000e1e <kinit>:',
        '   80000e1e:              ret',
        '',
      ].join('\n'),
    );
    assert.equal(current, 3);
  });

  it('is read by the hover: the address of an instruction, registers, targets', () => {
    const lines = text.split('\n');
    const at = (line: number, word: string) =>
      expressionInAssembly(lines[line]!, lines[line]!.indexOf(word))?.expression;
    assert.equal(at(3, '80000e18'), '0x80000e18');
    assert.equal(at(3, 'ra'), '$ra');
    assert.equal(at(3, '8(sp)'), '$sp + 8');
    assert.equal(at(5, '80000090'), '0x80000090');
  });

  it('says when pc is not in it', () => {
    assert.deepEqual(listing([], 0n), { text: '\n', current: -1 });
  });
});
