import assert from 'node:assert/strict';
import { SymbolError } from '../api';
import { openBinary } from '../binary';
import { fixtureBytes, openFixture } from '../../testing/symbols/fixtures';

/** A copy of a fixture with bytes changed. */
function changed(change: (view: DataView) => void): Uint8Array {
  const bytes = fixtureBytes('dwarf4').slice();
  change(new DataView(bytes.buffer));
  return bytes;
}

function refusal(bytes: Uint8Array): string {
  try {
    openBinary('kernel/kernel', bytes);
  } catch (error) {
    assert.ok(error instanceof SymbolError);
    return error.message;
  }
  return 'not refused';
}

describe('What is no RISC-V kernel', () => {
  it('is named, with what to do', () => {
    assert.equal(
      refusal(changed((view) => view.setUint16(18, 62, true))),
      'kernel/kernel is an x86 ELF; this is the RISC-V debugger. Is this xv6-public?',
    );
    const x86 = changed((view) => {
      view.setUint16(18, 3, true);
      view.setUint8(4, 1);
    });
    assert.match(refusal(x86), /is an x86 ELF.*xv6-public/);
    assert.match(refusal(changed((view) => view.setUint16(18, 183, true))), /is an AArch64 ELF/);
    assert.match(refusal(changed((view) => view.setUint16(18, 999, true))), /not a RISC-V \(machine 999\)/);
    assert.match(refusal(changed((view) => view.setUint8(4, 1))), /32-bit RISC-V ELF.*rv64gc/);
    assert.match(refusal(changed((view) => view.setUint16(16, 1, true))), /object file, not yet linked/);
    const big = changed((view) => {
      view.setUint8(5, 2);
      view.setUint16(18, 243);
    });
    assert.match(refusal(big), /big-endian/);
    assert.match(refusal(new TextEncoder().encode('#!/bin/sh\n')), /not an ELF file: it begins with 23 21 2f 62/);
    assert.match(refusal(new Uint8Array()), /is empty/);
  });

  it('or is one of which the end is missing', () => {
    const bytes = fixtureBytes('dwarf4');
    assert.match(refusal(bytes.subarray(0, 40)), /cut short: it has 40 bytes/);
    assert.match(refusal(bytes.subarray(0, 1000)), /cut short.*Build it again/);
    assert.match(refusal(bytes.subarray(0, bytes.length - 1)), /cut short.*its section headers would end at/);
  });
});

describe('An ELF', () => {
  it('gives entry, segments and symbols', () => {
    const binary = openFixture('dwarf4');
    assert.equal(binary.entry, 0x80000000n);
    const code = binary.segments.find((segment) => segment.executable)!;
    assert.equal(code.virtualAddress, 0x80000000n);
    assert.equal(code.physicalAddress, 0x80000000n);
    const data = binary.segments.at(-1)!;
    assert.ok(data.memorySize >= 4096n + BigInt(data.bytes.length), 'the stack is in .bss');
    const entry = binary.symbol('_entry')!;
    assert.deepEqual(
      { ...entry },
      { name: '_entry', address: 0x80000000n, size: 0n, kind: 'none', global: true, section: '.text' },
    );
    const main = binary.symbol('main')!;
    assert.equal(main.kind, 'function');
    assert.deepEqual(binary.symbolAt(main.address + 6n), { symbol: main, offset: 6n });
  });

  it('finds places in assembly by the nearest symbol, and none outside of sections', () => {
    const binary = openFixture('dwarf4');
    const spin = binary.symbol('spin')!;
    assert.equal(binary.symbolAt(spin.address)?.symbol.name, 'spin');
    assert.equal(binary.symbolAt(spin.address - 2n)?.symbol.name, '_entry');
    assert.equal(binary.symbolAt(0x1000n), undefined);
    assert.equal(binary.symbolAt(0x90000000n), undefined);
    assert.equal(binary.symbols.filter((symbol) => symbol.name === 'limit').length, 2);
    assert.equal(binary.symbolAt(binary.symbol('main')!.address)?.symbol.name, 'main', 'not a mapping symbol');
  });

  it('without debug information still has symbols', () => {
    const bytes = changed((view) => {
      const headers = Number(view.getBigUint64(40, true));
      for (let index = 0; index < view.getUint16(60, true); index++) {
        const at = headers + index * 64;
        const isDebug = view.getBigUint64(at + 16, true) === 0n && view.getUint32(at + 4, true) === 1;
        if (isDebug) view.setUint32(at + 4, 8, true);
      }
    });
    const binary = openBinary('stripped', bytes);
    assert.equal(binary.hasDebugInfo, false);
    assert.deepEqual(binary.files, []);
    assert.deepEqual(binary.functions, []);
    assert.deepEqual(binary.globals, []);
    assert.equal(binary.lineAt(0x80000000n), undefined);
    assert.deepEqual(binary.scopesAt(0x80000000n), []);
    assert.equal(binary.functionAt(binary.symbol('main')!.address)?.name, 'main');
    assert.equal(binary.typeNamed('unsigned long')?.kind, 'base');
    assert.equal(binary.typeNamed('struct node'), undefined);
  });
});
