import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { type ExpressionAt, expressionInAssembly, expressionInC } from './expression-at';

/** Evaluates at the column of `|`, which is taken out of the line. */
function at(read: typeof expressionInC, marked: string): ExpressionAt | undefined {
  const column = marked.indexOf('|');
  return read(marked.replace('|', ''), column);
}
const c = (marked: string) => at(expressionInC, marked)?.expression;
const asm = (marked: string) => at(expressionInAssembly, marked)?.expression;

describe('expression under the mouse', () => {
  it('in C: names, and members with what they belong to', () => {
    assert.equal(c('  |p->trapframe->sp = 0;'), 'p');
    assert.equal(c('  p->trap|frame->sp = 0;'), 'p->trapframe');
    assert.equal(c('  p->trapframe->s|p = 0;'), 'p->trapframe->sp');
    assert.equal(c('  cpus[id].proc->kst|ack'), 'cpus[id].proc->kstack');
    assert.equal(c('  cpus[i|d].proc'), 'id');
    assert.equal(c('  a[b[1]].m|em'), 'a[b[1]].mem');
    assert.equal(c('  (*p).na|me'), '(*p).name');
    assert.equal(c('x = ((struct proc *)q)->p|id'), '((struct proc *)q)->pid');
  });

  it('in C: nothing that would run code, and no keywords', () => {
    assert.equal(c('  myproc()->trap|frame'), undefined);
    assert.equal(c('  (f(x))->trap|frame'), undefined);
    assert.equal(c('  ret|urn 0;'), undefined);
    assert.equal(c('  walk|addr(p->pagetable, va)'), 'walkaddr');
  });

  it('in C: numbers, in comments only hexadecimal ones', () => {
    assert.equal(c('#define KERNBASE 0x8000|0000L'), '0x80000000');
    assert.equal(c('x = 409|6;'), '4096');
    assert.equal(c('// boots at 0x800|00000'), '0x80000000');
    assert.equal(c(' * the stack|'), undefined);
    assert.equal(c('// the sta|ck'), undefined);
    assert.equal(c('printf("pa|nic")'), undefined);
    assert.equal(c('printf("x", pa|nic)'), 'panic');
  });

  it('in assembly: registers, memory operands, symbols', () => {
    assert.equal(asm('        csrw satp, a|1'), '$a1');
    assert.equal(asm('        csrw sa|tp, a1'), '$satp');
    assert.equal(asm('        sd ra, 4|0(a0)'), '$a0 + 40');
    assert.equal(asm('        sd ra, 40(a|0)'), '$a0');
    assert.equal(asm('        ld a5,-2|4(s0)'), '$s0 - 24');
    assert.equal(asm('        la sp, stack|0'), 'stack0');
    assert.equal(asm('.glo|bl _entry'), undefined);
  });

  it('in a listing: addresses in bare hexadecimal', () => {
    assert.equal(asm('    8000|0000:\t0000a117          \tauipc\tsp,0xa'), '0x80000000');
    assert.equal(asm('    80000000:\t0000a117          \tauipc\tsp,0x|a'), '0xa');
    assert.equal(asm('    1|c:\t00000097 \tauipc\tra,0x0'), '0x1c');
    assert.equal(asm('    8000001a:\t076000ef          \tjal\t8000|0090 <start>'), '0x80000090');
    assert.equal(asm('    8000001a:\t076000ef          \tjal\t80000090 <sta|rt>'), 'start');
  });

  it('gives the range it speaks of, whatever the line', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(40), (line, column) => {
        for (const read of [expressionInC, expressionInAssembly]) {
          const found = read(line, column);
          if (!found) continue;
          assert.ok(found.start <= column && column <= found.end && found.end <= line.length);
        }
      }),
    );
  });
});
