/** Why a catchpoint has stopped the machine, in words: who did what, what was before and what is now. */
import { type DeadEnd, describeDeadEnd, isPanicLine } from '../../emulator/dead-ends/dead-ends';
import { describeStale } from '../../emulator/strict-tlb/words';
import type { DeviceEvent, FenceEvent, LostStoreEvent, SatpEvent } from '../../emulator/types';
import type { StaleTranslationEvent, TableStoreEvent } from '../../emulator/types';
import type { Guest } from '../code/guest';
import { flagText, PTE, pteFlags, ptePhysical } from '../../emulator/isa/sv39';
import { hex } from '../../emulator/isa/hex';
import { codePlace, hartText, instructionText, kernelPlace, type InstructionGuest } from '../code/place-names';
import { describeCsr } from '../../emulator/isa/csr-fields';
import type { StopCause } from './stops';
import type { KernelEvent, Named } from '../xv6/kernel-events';
import { channelName } from '../xv6/channel';
import { tableName } from '../xv6/tables';
import { named } from '../xv6/processes';

/** `title` is a heading for the call stack, `text` all of it. */
export interface StopText {
  id: string;
  title: string;
  text: string;
}

/** What the words of a stop are made from. */
type TextGuest = InstructionGuest & Pick<Guest, 'image' | 'machine'>;

export function stopText(guest: TextGuest, cause: Exclude<StopCause, { kind: 'trap' | 'trap-loop' }>): StopText {
  switch (cause.kind) {
    case 'satp-write':
      return satpText(guest, cause.event);
    case 'fence':
      return fenceText(guest, cause.event);
    case 'pte-store':
      return tableStoreText(guest, cause.event);
    case 'device':
      return deviceText(guest, cause.event);
    case 'lost-store':
      return lostStoreText(guest, cause.event);
    case 'stale-translation':
      return staleText(guest, cause.event);
    case 'kernel':
      return kernelText(guest, cause.event);
    case 'dead-end':
      return deadEndText(guest, cause.event);
    case 'ledger':
      return { id: cause.event.rule.replaceAll('-', ' '), title: cause.event.title, text: cause.event.text };
    case 'silence':
      return { id: 'silence', title: 'All processes sleep, and nothing will wake them', text: cause.event.text };
  }
}

function satpText(guest: TextGuest, { before, after, pc }: SatpEvent): StopText {
  const by = kernelPlace(guest, pc);
  const text = [
    `satp was ${describeCsr('satp', before)}; it is now ${describeCsr('satp', after)}`,
    `by the instruction at ${hex(pc)}${by === undefined ? '' : ` (${by})`}`,
  ].join('\n');
  return { id: 'satp write', title: 'satp write', text };
}

function fenceText(guest: TextGuest, { hart, pc, address, asid }: FenceEvent): StopText {
  const what = address === undefined ? 'all addresses' : `the address ${hex(address)}`;
  const spaces = asid === undefined ? 'all address spaces' : `ASID ${asid}`;
  const text = `sfence.vma for ${what} in ${spaces}\n${by(guest, hart, pc)}`;
  return { id: 'sfence.vma', title: `sfence.vma for ${what}`, text };
}

function tableStoreText(guest: TextGuest, event: TableStoreEvent): StopText {
  const { before, after, maps, level, index, address, root } = event;
  const title = `PTE of ${hex(maps)}: ${entryText(before)} → ${entryText(after)}`;
  const where = `entry ${index} of a level-${level} table, at physical ${hex(address)}, in ${tableText(guest, root)}`;
  const text = `The page-table entry for ${hex(maps)} was ${entryText(before)}; it is now ${entryText(after)}\n${where}\n`;
  const doer =
    event.hart === undefined || event.pc === undefined ? 'by a device (DMA)' : by(guest, event.hart, event.pc);
  return { id: 'page-table store', title, text: `${text}${doer}` };
}

/** "0x21fdac1f → 0x87f6b000 V R W U A": a page-table entry. */
export function entryText(pte: bigint): string {
  if (!(pteFlags(pte) & PTE.V)) return pte === 0n ? '0' : `${hex(pte)} (V=0)`;
  return `${hex(pte)} (PA ${hex(ptePhysical(pte))}, ${flagText(pteFlags(pte))})`;
}

function tableText(guest: TextGuest, root: bigint): string {
  const known = tableName(guest.xv6, root);
  return known !== undefined
    ? `the table of ${known}`
    : // It may be one that is being made, or that exec or exit takes apart.
      `a table with its root at ${hex(root)}, which no process has now`;
}

function deviceText(guest: TextGuest, { hart, pc, device, offset, size, access, value }: DeviceEvent): StopText {
  const way = access === 'read' ? '→' : '←';
  const title = `${device}: ${access} of register ${hex(BigInt(offset))} ${way} ${hex(value)}`;
  const text = `${device}: ${size}-byte ${access} of the register at offset ${hex(BigInt(offset))} ${way} ${hex(value)}`;
  return { id: 'device access', title, text: `${text}\n${by(guest, hart, pc)}` };
}

function lostStoreText(guest: TextGuest, { hart, pc, va, address, size, value }: LostStoreEvent): StopText {
  const title = `Store into ROM at ${hex(va)} is lost`;
  const where = va === address ? hex(va) : `${hex(va)}, which is mapped to PA ${hex(address)}`;
  const text = `the ${size}-byte store of ${hex(value)} to ${where} has no effect: that is the boot ROM, not RAM`;
  return { id: 'lost store', title, text: `${text}\n${by(guest, hart, pc)}` };
}

function staleText(guest: TextGuest, event: StaleTranslationEvent): StopText {
  const lines = describeStale(event, {
    place: (_, pc) => kernelPlace(guest, pc) ?? `the code at ${hex(pc)}`,
    table: (root) => tableText(guest, root),
    time: guest.machine.time,
  });
  return { id: 'stale translation', title: lines[0]!, text: lines.join('\n') };
}

function deadEndText(guest: TextGuest, end: DeadEnd): StopText {
  const { kind, message } = end;
  const dataAt = (address: bigint): string => {
    const name = channelName(guest.xv6, address);
    return name === hex(address) ? name : `${name} at ${hex(address)}`;
  };
  const text = describeDeadEnd(end, (hart, pc) => codePlace(guest, guest.harts[hart]!, pc), dataAt);
  switch (kind) {
    case 'panic':
      if (/panic/i.test(message)) return { id: kind, title: message, text };
      // What the code alone shows may have nothing to do with what was said last.
      return { id: kind, title: isPanicLine(message) ? `panic: ${message}` : 'panic', text };
    case 'stopped':
      return { id: 'end of the kernel', title: 'The kernel goes nowhere: a loop without end', text };
    case 'storm':
      return { id: 'interrupts without end', title: 'Interrupts without end', text };
    case 'lock':
      return { id: kind, title: 'A hart waits for a lock that nobody will release', text };
    case 'deadlock':
      return { id: kind, title: 'Deadlock: the harts wait for one another', text };
  }
}

const nameOf = (process: Named | undefined, none: string): string => (process ? named(process) : none);

function kernelText(guest: TextGuest, event: KernelEvent): StopText {
  const { hart } = event;
  switch (event.kind) {
    case 'panic':
      return same('panic', `panic: ${event.message}`);
    case 'switch': {
      const [from, to] = [nameOf(event.from, 'the scheduler'), nameOf(event.to, 'the scheduler')];
      return {
        id: 'context switch',
        title: `switch: ${from} → ${to}`,
        text: `hart ${hart} switches from ${from} to ${to}`,
      };
    }
    case 'create':
      return same(
        'process created',
        `pid ${event.child} is made by ${nameOf(event.by, 'the kernel')}, on hart ${hart}`,
      );
    case 'exec':
      return same('exec', `${nameOf(event.by, 'the kernel')} execs "${event.path}", on hart ${hart}`);
    case 'exit':
      return same(
        'process exits',
        `${nameOf(event.by, 'a process')} exits with status ${event.status}, on hart ${hart}`,
      );
    case 'map':
      return same('mapping', `entries are made in the table at ${hex(event.root)}, ${hartText(guest, hart)}`);
    case 'allocate':
      return same('page allocated', `the page at ${hex(event.page)} is allocated, on hart ${hart}`);
    case 'free':
      return same('page freed', `the page at ${hex(event.page)} is freed, on hart ${hart}`);
  }
}

const same = (id: string, text: string): StopText => ({ id, title: text, text });

const by = (guest: TextGuest, hart: number, pc: bigint): string =>
  `by ${instructionText(guest, guest.harts[hart]!, pc)}`;
