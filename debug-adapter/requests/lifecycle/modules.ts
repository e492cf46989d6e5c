/**
 * The protocol's modules request and module events: the kernel and every user program. A program is `new` at launch and
 * `changed` when its file is opened, since only then its contents are known.
 */
import { hex } from '../../../emulator/isa/hex';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../../launch/debuggee';
import type { MappedProgram } from '../../code/mapped-program';
import type { Program } from '../../code/programs';
import { baseName } from '../../code/sources';
import { requireSession, type Body, type SessionContext } from '../context';

/** Opens every program: a user who looks at modules wants to know whether they have symbols. */
export function modules(
  context: SessionContext,
  args: DebugProtocol.ModulesArguments,
): Body<DebugProtocol.ModulesResponse> {
  const { debuggee } = requireSession(context);
  const start = args.startModule ?? 0;
  const all = [kernelModule(debuggee), ...debuggee.programs.all.map(openedModule)];
  return {
    modules: all.slice(start, args.moduleCount ? start + args.moduleCount : undefined),
    totalModules: all.length,
  };
}

/** Announces all modules to the client; `reason` is `removed` before another kernel is loaded. */
export function announceModules(context: SessionContext, debuggee: Debuggee, reason: 'new' | 'removed'): void {
  for (const module of [kernelModule(debuggee), ...debuggee.programs.all.map(moduleOf)])
    context.connection.event('module', { reason, module });
}

/** Announces that a program's file has been opened. */
export function moduleOpened(context: SessionContext, program: Program): void {
  context.connection.event('module', { reason: 'changed', module: openedModule(program) });
}

/** The id of a program's module; undefined if it is not a module. */
export function moduleId({ image: kernel, programs }: Debuggee, image: MappedProgram): string | undefined {
  if (image === kernel) return KERNEL;
  const program = programs.all.find((one) => one.isOpen && one.image === image);
  return program && identity(program).id.toString();
}

const KERNEL = 'kernel';

const kernelModule = ({ image }: Debuggee): DebugProtocol.Module => ({
  id: KERNEL,
  name: baseName(image.binary.path),
  path: image.binary.path,
  ...symbolsOf(image),
});

const moduleOf = (program: Program): DebugProtocol.Module =>
  program.isOpen
    ? openedModule(program)
    : { ...identity(program), symbolStatus: 'Not read yet: nothing has needed them.' };

function openedModule(program: Program): DebugProtocol.Module {
  const { image, why } = program;
  return { ...identity(program), ...(image ? symbolsOf(image) : { symbolStatus: why ?? 'Cannot be read.' }) };
}

const identity = ({ name, path }: Program): Pick<DebugProtocol.Module, 'id' | 'name' | 'path' | 'isUserCode'> => ({
  id: `user:${name}`,
  name,
  path,
  isUserCode: true,
});

function symbolsOf({
  binary,
}: MappedProgram): Pick<DebugProtocol.Module, 'symbolStatus' | 'symbolFilePath' | 'addressRange'> {
  const [symbolStatus, has] = binary.hasDebugInfo
    ? ['Symbols loaded.', true]
    : binary.symbols.length > 0
      ? ['Names of functions only: it was built without -g.', false]
      : ['No symbols: it has been stripped.', false];
  const low = binary.segments.map(({ virtualAddress }) => virtualAddress).reduce((a, b) => (a < b ? a : b), 1n << 64n);
  const high = binary.segments
    .map(({ virtualAddress, memorySize }) => virtualAddress + memorySize)
    .reduce((a, b) => (a > b ? a : b), 0n);
  return {
    symbolStatus,
    ...(has ? { symbolFilePath: binary.path } : {}),
    addressRange: `${hex(low)}-${hex(high)}`,
  };
}
