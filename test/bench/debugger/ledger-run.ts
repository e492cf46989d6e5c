/**
 * One run of a real xv6's usertests with the rules of the frame ledger, or without: prints as JSON what it took and which rules
 * were broken. Arguments: the lab's folder, the line to type, the rules separated by commas or `off`.
 */
import { readFileSync } from 'node:fs';
import { MappedProgram } from '../../../debug-adapter/code/mapped-program';
import { Ledger } from '../../../debug-adapter/ledger/ledger';
import type { LedgerRule } from '../../../debug-adapter/ledger/rules/rule';
import { openBinary } from '../../../debug-adapter/symbols/binary';
import { openXv6 } from '../../../debug-adapter/xv6/kernel';
import { Csr } from '../../../emulator/isa/csrs';
import { satpRoot } from '../../../emulator/isa/sv39';
import { Machine } from '../../../emulator/machine';
import { imageOf } from '../../../emulator/testing/disk-image';
import { labAt } from '../../guests/lab';

export interface LedgerRun {
  /** Seconds of processor time from the line to its end. */
  readonly seconds: number;
  readonly passed: boolean;
  /** Millions of instructions. */
  readonly millions: number;
  readonly broken: readonly string[];
}

const HARTS = 3;
const SLICE = 1_000_000;
const END = /ALL TESTS PASSED|SOME TESTS FAILED|FAILED --|panic: /;

function main([folder, line, rules]: string[]): void {
  const lab = labAt(folder!);
  let text = '';
  const kernel = new Uint8Array(readFileSync(lab.kernel));
  const disk = imageOf(new Uint8Array(readFileSync(lab.image)));
  const { memory, legacyVirtio } = lab;
  const consoleOutput = (bytes: Uint8Array): void => void (text += new TextDecoder().decode(bytes));
  const machine = new Machine({ harts: HARTS, memory, legacyVirtio, kernel, disk, consoleOutput });
  const binary = openBinary(lab.kernel, kernel);
  const ledger = new Ledger({
    ...{ machine, harts: machine.harts, image: new MappedProgram(binary) },
    xv6: openXv6(binary, (address, length) => machine.memory.read(address, length), {
      readAligned: (address) => machine.memory.readU64(address),
      readInto: (address, bytes) => machine.memory.readInto(address, bytes),
    }),
    userRoot: (hart) => satpRoot(hart.csr(Csr.satp) ?? 0n),
  });
  if (rules !== 'off') ledger.watch((rules ?? '').split(',') as LedgerRule[]);
  const broken: string[] = [];
  let before: NodeJS.CpuUsage | undefined;
  while (!END.test(text)) {
    const stop = machine.run({ instructions: SLICE });
    if ('hart' in stop || 'event' in stop || stop.kind === 'data') {
      const event = 'event' in stop ? stop.event : stop.kind === 'data' ? stop.events[0]! : stop;
      const hart = 'hart' in event ? (event.hart ?? 0) : 0;
      const violation = ledger.at(hart);
      if (violation) broken.push(violation.text);
      ledger.record();
    }
    if (before === undefined && text.endsWith('$ ')) {
      machine.consoleInput(new TextEncoder().encode(`${line}\n`));
      before = process.cpuUsage();
    } else if (stop.kind === 'idle') {
      machine.idleUntil(stop.until);
    }
  }
  const { user, system } = process.cpuUsage(before);
  const run: LedgerRun = {
    ...{ seconds: (user + system) / 1e6, passed: text.includes('ALL TESTS PASSED') },
    ...{ millions: Math.round(machine.executed / 1e6), broken },
  };
  console.log(JSON.stringify(run));
}

main(process.argv.slice(2));
