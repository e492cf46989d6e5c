/**
 * The protocol's source and locations requests. A source that is in a recording only is sent from there. For one that was not found,
 * the text has its instructions, each at its source line, so that stepping still shows the position.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { disassemble } from '../../../emulator/isa/instructions/disassemble';
import type { Debuggee } from '../../launch/debuggee';
import type { MappedProgram } from '../../code/mapped-program';
import { baseName } from '../../code/sources';
import type { Binary } from '../../symbols/api';
import { requireSession, requireStopped, type Body, type SessionContext } from '../context';
import { instructionsFrom } from '../../../emulator/isa/instructions/instruction-at';
import { fileMemory } from '../../symbols/container/file-memory';

/** A higher line number is a sign of broken debug information. */
const MOST_LINES = 100_000;

/** A source for the client, which requests one that was not found by its reference. */
export function sourceOf(debuggee: Debuggee, recorded: string): DebugProtocol.Source {
  const here = debuggee.sources.here(recorded);
  if (here !== undefined && !debuggee.recorded?.files.has(here)) return { name: baseName(here), path: here };
  if (here !== undefined) {
    return {
      name: baseName(here),
      path: here,
      sourceReference: referenceOf(debuggee, recorded),
      origin: 'from the recording',
    };
  }
  return {
    name: baseName(recorded),
    path: recorded,
    sourceReference: referenceOf(debuggee, recorded),
    presentationHint: 'deemphasize',
    origin: 'not found here: its instructions',
  };
}

function referenceOf({ referenced }: Debuggee, recorded: string): number {
  const known = referenced.indexOf(recorded);
  return known < 0 ? referenced.push(recorded) : known + 1;
}

export async function source(
  context: SessionContext,
  args: Partial<DebugProtocol.SourceArguments>,
): Promise<Body<DebugProtocol.SourceResponse>> {
  const { debuggee } = requireSession(context);
  const reference = args.source?.sourceReference || args.sourceReference || 0;
  const path = debuggee.referenced[reference - 1];
  if (path === undefined) {
    throw new Error(
      `There is no source with reference ${reference} in this session${args.source?.path === undefined ? '' : `; ${args.source.path} is read from its file`}.`,
    );
  }
  const here = debuggee.sources.here(path);
  if (here !== undefined) return { content: new TextDecoder().decode(await debuggee.sources.read(here)) };
  const image = imagesOf(debuggee).find(({ binary }) => binary.files.includes(path));
  if (!image) throw new Error(`No program of this session was compiled from ${path}.`);
  return { content: listing(path, image), mimeType: 'text/x-riscv-asm' };
}

/** The kernel, and the user programs opened so far. */
const imagesOf = (debuggee: Debuggee): MappedProgram[] => [
  debuggee.image,
  ...debuggee.programs.all.flatMap((program) => (program.isOpen ? (program.image ?? []) : [])),
];

/** A text in which each line has the instructions of the source line with the same number. */
function listing(path: string, { binary }: MappedProgram): string {
  const lines: string[] = [];
  for (const { low, high } of binary.functions) {
    for (let address = low; address < high;) {
      const entry = binary.lineAt(address);
      const end = entry && entry.end > address && entry.end < high ? entry.end : high;
      if (entry?.file === path && entry.line > 0 && entry.line <= MOST_LINES) {
        const texts = instructions(binary, address, end);
        lines[entry.line] = [lines[entry.line], texts].filter(Boolean).join('; ');
      }
      address = end;
    }
  }
  const missing = `// ${path} was not found here. These are its instructions, each at the line of the source it is of.`;
  return [missing, ...Array.from(lines.slice(2), (line) => line ?? '')].join('\n') + '\n';
}

function instructions({ segments }: Binary, from: bigint, to: bigint): string {
  const texts: string[] = [];
  for (const { address, word } of instructionsFrom(fileMemory(segments), from, to))
    texts.push(`${address.toString(16)}: ${disassemble(word, address).text}`);
  return texts.join('; ');
}
/** The declaration of a variable or a function, by the reference sent with its value. */
export function locations(
  context: SessionContext,
  args: DebugProtocol.LocationsArguments,
): Body<DebugProtocol.LocationsResponse> {
  const { debuggee, stopped } = requireStopped(context);
  const { file, line } = stopped.location(args.locationReference);
  return { source: sourceOf(debuggee, file), line };
}
