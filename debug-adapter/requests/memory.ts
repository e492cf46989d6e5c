/**
 * readMemory, writeMemory and disassemble of the protocol. Memory references name their address space: see
 * address-spaces.ts.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ReadMemory } from '../symbols/api';
import { resolveReference } from '../address-spaces';
import { disassembly, type Row } from '../disassembly';
import { launched, standing, type Body, type Context } from './context';
import { sourceOf } from './stack';

const PAGE = 4096;
/** One answer carries no more, nor does it reach further from the instruction asked for. */
const MOST_BYTES = 1 << 20;
const MOST_ROWS = 10_000;

interface Place {
  at: bigint;
  read: ReadMemory;
  write: (address: bigint, bytes: Uint8Array) => boolean;
}

export function readMemory(
  context: Context,
  args: DebugProtocol.ReadMemoryArguments,
): Body<DebugProtocol.ReadMemoryResponse> {
  const { at, read } = place(context, args.memoryReference, args.offset);
  const count = Math.min(Math.max(args.count, 0), MOST_BYTES);
  const bytes = readable(read, at, count);
  return {
    address: `0x${at.toString(16)}`,
    ...(bytes.length > 0 ? { data: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')) } : {}),
    ...(bytes.length < count ? { unreadableBytes: unreadable(read, at, bytes.length, count) } : {}),
  };
}

export function writeMemory(
  context: Context,
  args: DebugProtocol.WriteMemoryArguments,
): Body<DebugProtocol.WriteMemoryResponse> {
  const { at, read, write } = place(context, args.memoryReference, args.offset);
  const { stopped } = standing(context);
  const bytes = Uint8Array.from(atob(args.data), (character) => character.charCodeAt(0));
  const fits = args.allowPartial ? readable(read, at, bytes.length).length : bytes.length;
  if (!write(at, bytes.subarray(0, fits)))
    throw new Error(
      `The ${bytes.length} bytes at 0x${at.toString(16)} cannot be written: not all of them are mapped RAM.`,
    );
  stopped.changed();
  return { bytesWritten: fits };
}

export function disassemble(
  context: Context,
  args: DebugProtocol.DisassembleArguments,
): Body<DebugProtocol.DisassembleResponse> {
  const { debuggee } = launched(context);
  const { at, read } = place(context, args.memoryReference, args.offset);
  const count = Math.min(Math.max(args.instructionCount, 0), MOST_ROWS);
  const offset = Math.min(Math.max(args.instructionOffset ?? 0, -MOST_ROWS), MOST_ROWS);
  const rows = disassembly(debuggee.image, read, at, offset, count);
  return { instructions: rows.map((row) => rowBody(context, row)) };
}

function rowBody(context: Context, row: Row): DebugProtocol.DisassembledInstruction {
  const { debuggee } = launched(context);
  const body: DebugProtocol.DisassembledInstruction = {
    address: `0x${row.address.toString(16)}`,
    instruction: row.text,
  };
  if (row.bytes) body.instructionBytes = Array.from(row.bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  else body.presentationHint = 'invalid';
  if (row.symbol !== undefined) body.symbol = row.symbol;
  if (row.line) {
    body.location = sourceOf(debuggee, row.line.file);
    body.line = row.line.line;
    if (row.line.column > 0) body.column = row.line.column;
  }
  return body;
}

function place(context: Context, reference: string, offset = 0): Place {
  const { debuggee, stopped } = standing(context);
  const { space, address } = resolveReference(debuggee, reference, stopped.report.hart);
  const at = BigInt.asUintN(64, address + BigInt(offset));
  return { at, read: space.read, write: (to, bytes) => space.write(to, bytes) };
}

/** The bytes from `at` on that can be read, up to `count`: whole pages, then none. */
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
