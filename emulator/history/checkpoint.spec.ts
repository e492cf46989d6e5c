/** Checkpoints cost what has changed, and going back to one loses no code. */
import assert from 'node:assert/strict';
import { PAGES_SHARED } from './memory-image';
import { Machine } from '../machine';
import { busyGuest } from '../testing/sessions/busy-guest';
import { setBreakpoints } from '../testing/breakpoints';
import type { Checkpoint } from '../types';

const { kernel, code } = busyGuest();

const boot = (acceleration: 'interp' | 'jit' = 'interp'): Machine =>
  new Machine({ harts: 3, memory: 2 ** 20, legacyVirtio: false, kernel, acceleration });

function run(machine: Machine, instructions: number): void {
  for (const end = machine.executed + instructions; machine.executed < end;) {
    const stop = machine.run({ instructions: end - machine.executed });
    if (stop.kind === 'idle') machine.idleUntil(stop.until);
  }
}

/** How many regions are translated meanwhile. */
function translations(action: () => void): number {
  const { Module } = WebAssembly;
  let count = 0;
  WebAssembly.Module = class extends Module {
    constructor(bytes: BufferSource) {
      super(bytes);
      count++;
    }
  };
  try {
    action();
  } finally {
    WebAssembly.Module = Module;
  }
  return count;
}

const images = ({ memory }: Checkpoint) =>
  memory.flatMap((part) => Array.from({ length: PAGES_SHARED }, (_, i) => part.page(i)));

describe('a checkpoint', () => {
  it('has the pages that were stored to since the last one, and shares the others', () => {
    const machine = boot();
    run(machine, 20_000);
    const first = machine.save();
    assert.equal(
      machine.save().memory.every((part, i) => part === first.memory[i]),
      true,
    );
    machine.apply({ kind: 'memory', address: 0x800a_0000n, bytes: Uint8Array.of(1) });
    const second = machine.save();
    const changed = images(second).flatMap((image, page) => (image === images(first)[page] ? [] : [page]));
    assert.deepEqual(changed, [0xa0]);
    run(machine, 20_000);
    const pages = images(machine.save()).filter((image, page) => image !== images(second)[page]).length;
    assert.ok(pages > 3 && pages < 20, `${pages} pages`);
  });

  it('is gone back to without any region being translated again', () => {
    const machine = boot('jit');
    run(machine, 20_000);
    const checkpoint = machine.save();
    const made = translations(() => run(machine, 200_000));
    assert.ok(made > 5, `${made} regions`);
    const hash = machine.stateHash();
    const again = translations(() => {
      machine.restore(checkpoint);
      run(machine, 200_000);
    });
    assert.equal(again, 0);
    assert.equal(machine.stateHash(), hash);
  });

  it('goes on from where the machine had stopped, without stopping for the same again', () => {
    const machine = boot();
    run(machine, 20_000);
    setBreakpoints(machine, [code[0]!]);
    const pause = (): string => {
      const stop = machine.run({ instructions: 100_000 });
      return `${stop.kind} ${machine.executed}`;
    };
    pause();
    const checkpoint = machine.save();
    const next = pause();
    machine.restore(checkpoint);
    assert.equal(pause(), next);
  });
});

describe('an instant', () => {
  it('is not run to backwards, nor among inputs that are not known', () => {
    const machine = boot();
    const { instant } = machine;
    run(machine, 100);
    assert.throws(() => machine.run({ instructions: 1, to: instant }), /is past/);
    assert.throws(() => machine.run({ instructions: 1, to: { ...instant, inputs: 1 } }), /does not reach/);
  });
});
