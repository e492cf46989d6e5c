/**
 * readMemory, writeMemory and disassemble of the protocol, also while the machine runs. Memory references name their
 * address space: see xv6/address-spaces.ts.
 */
import { hex } from '../../../emulator/isa/hex';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { resolveReference } from '../../xv6/address-spaces';
import { disassembly, type DisassemblyRow } from '../../code/disassembly';
import type { MappedProgram } from '../../code/mapped-program';
import type { AddressSpace } from '../../memory/address-space';
import type { ReadMemory } from '../../symbols/api';
import { allProcesses } from '../../xv6/processes';
import { requireSession, type Body, type SessionContext } from '../context';
import { sourceOf } from './source';
import { edited } from './values';

const PAGE = 4096;
/** Most bytes in one response, and the greatest distance from the requested instruction. */
const MOST_BYTES = 1 << 20;
const MOST_ROWS = 10_000;
/** Most references for which the client gets events about changes; it shows only a few. */
const MOST_VIEWS = 16;

interface Place {
  space: AddressSpace;
  at: bigint;
}

export function readMemory(
  context: SessionContext,
  args: DebugProtocol.ReadMemoryArguments,
): Body<DebugProtocol.ReadMemoryResponse> {
  const { at, space } = place(context, args.memoryReference, args.offset);
  const count = bounded(args.count);
  const bytes = readable(space.read, at, count);
  remember(context, args.memoryReference, args.offset ?? 0, count);
  return {
    address: hex(at),
    ...(bytes.length > 0 ? { data: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')) } : {}),
    ...(bytes.length < count ? { unreadableBytes: unreadable(space.read, at, bytes.length, count) } : {}),
  };
}

export function writeMemory(
  context: SessionContext,
  args: DebugProtocol.WriteMemoryArguments,
): Body<DebugProtocol.WriteMemoryResponse> {
  const { at, space } = place(context, args.memoryReference, args.offset);
  const bytes = decoded(args.data);
  const fits = args.allowPartial ? readable(space.read, at, bytes.length).length : bytes.length;
  if (!space.write(at, bytes.subarray(0, fits)))
    throw new Error(`The ${bytes.length} bytes at ${hex(at)} cannot be written: not all of them are mapped RAM.`);
  edited(context);
  return { bytesWritten: fits, offset: 0 };
}

export function disassemble(
  context: SessionContext,
  args: DebugProtocol.DisassembleArguments,
): Body<DebugProtocol.DisassembleResponse> {
  const { at, space } = place(context, args.memoryReference, args.offset);
  const count = Math.min(Math.max(args.instructionCount, 0), MOST_ROWS);
  const offset = Math.min(Math.max(args.instructionOffset ?? 0, -MOST_ROWS), MOST_ROWS);
  const code = { space, imageAt: imagesOf(context, space) };
  const rows = disassembly(code, at, offset, count);
  const symbols = args.resolveSymbols !== false;
  return { instructions: rows.map((row, index) => rowBody(context, row, rows[index - 1], symbols)) };
}

/** The program at an address of a space: a user program, or the kernel. */
function imagesOf(context: SessionContext, space: AddressSpace): (address: bigint) => MappedProgram | undefined {
  const { debuggee } = requireSession(context);
  const kernel = debuggee.image;
  const root = space.root;
  const isUserTable =
    root !== undefined && allProcesses(debuggee.xv6).some(({ used, pagetable }) => used && pagetable === root);
  return (address) => {
    if (kernel.contains(address)) return kernel;
    return isUserTable ? debuggee.userImage(root, address) : undefined;
  };
}

/** Includes a row's source only if it differs from that of the row before. */
function rowBody(
  context: SessionContext,
  row: DisassemblyRow,
  before: DisassemblyRow | undefined,
  symbols: boolean,
): DebugProtocol.DisassembledInstruction {
  const { debuggee } = requireSession(context);
  const body: DebugProtocol.DisassembledInstruction = { address: hex(row.address), instruction: row.text };
  if (!row.bytes) return { ...body, presentationHint: 'invalid' };
  body.instructionBytes = Array.from(row.bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  if (symbols && row.symbol !== undefined) body.symbol = row.symbol;
  const { line } = row;
  if (line && (line.file !== before?.line?.file || line.line !== before.line.line)) {
    body.location = sourceOf(debuggee, line.file);
    body.line = line.line;
    if (line.column > 0) body.column = line.column;
  }
  return body;
}

function place(context: SessionContext, reference: string, offset = 0): Place {
  const { debuggee } = requireSession(context);
  const hart = context.stopped?.report.hart ?? debuggee.machine.current;
  const { space, address } = resolveReference(debuggee, reference, hart);
  return { space, at: BigInt.asUintN(64, address + BigInt(offset)) };
}

const bounded = (count: number): number => Math.min(Math.max(count, 0), MOST_BYTES);

function decoded(base64: string): Uint8Array {
  let text: string;
  try {
    text = atob(base64);
  } catch {
    throw new Error('The data is not encoded in base64.');
  }
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function remember({ memoryViews }: SessionContext, reference: string, offset: number, count: number): void {
  memoryViews.delete(reference);
  memoryViews.set(reference, { offset, count });
  if (memoryViews.size > MOST_VIEWS) memoryViews.delete(memoryViews.keys().next().value!);
}

/** The readable bytes from `at` on, up to `count` and up to the first unreadable page. */
function readable(read: ReadMemory, at: bigint, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  let done = 0;
  while (done < count) {
    const size = Math.min(count - done, toPageEnd(at + BigInt(done)));
    const part = read(at + BigInt(done), size);
    if (!part) break;
    bytes.set(part, done);
    done += size;
  }
  return bytes.subarray(0, done);
}

function unreadable(read: ReadMemory, at: bigint, from: number, count: number): number {
  let end = from;
  while (end < count && !read(at + BigInt(end), 1)) end += toPageEnd(at + BigInt(end));
  return Math.min(end, count) - from;
}

const toPageEnd = (at: bigint): number => PAGE - Number(at & BigInt(PAGE - 1));
