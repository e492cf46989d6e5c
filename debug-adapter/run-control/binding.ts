/**
 * Where a breakpoint belongs: a line or a function, as places in the kernel or in user programs. A line of a library such
 * as ulib.c is in every program that is linked with it. A function's name means the kernel's if it has one, else that of
 * every program that has; `sh:main` (or `sh!main`) means one program's, `kernel:main` the kernel's.
 */
import type { MappedProgram } from '../code/mapped-program';
import type { Program } from '../code/programs';
import type { Sources } from '../code/sources';
import type { BreakLocation } from '../symbols/api';
import type { LinkedLocation, Binding, BindingTarget, BreakpointSpec } from './breakpoint-spec';

/** Whether user programs must be looked into: their files are opened when something needs them. */
export function needsPrograms({ image, sources }: Omit<BindingTarget, 'programs'>, wanted: BreakpointSpec): boolean {
  if (wanted.kind === 'line') return !image.binary.files.includes(sources.recorded(wanted.path));
  return wanted.kind === 'function' && !kernelsOwn(image, wanted.name);
}

const kernelsOwn = (image: MappedProgram, name: string): boolean => {
  const { owner, name: bare } = qualified(name);
  return owner === undefined ? functionAddresses(image, bare).length > 0 : owner === KERNEL;
};

export function bindBreakpoint(target: BindingTarget, wanted: BreakpointSpec): Binding {
  switch (wanted.kind) {
    case 'line':
      return bindLine(target, wanted);
    case 'function':
      return bindFunction(target, wanted.name);
    case 'instruction': {
      const owner = target.programs.find(({ name }) => name === wanted.program) ?? 'any';
      return { verified: true, locations: [{ address: target.image.linked(wanted.address), owner }] };
    }
  }
}

const nowhere = (message: string): Binding => ({ verified: false, message, locations: [] });

const KERNEL = 'kernel';

interface Owned {
  image: MappedProgram;
  owner: 'kernel' | Program;
}

const kernelOf = ({ image }: BindingTarget): Owned => ({ image, owner: KERNEL });

/** Programs that can be read, opened one after the other on demand. */
function* readable(programs: readonly Program[]): Generator<Owned> {
  for (const program of programs) if (program.image) yield { image: program.image, owner: program };
}

/** The kernel or the programs with code from a file: it is one's or the others'. */
function owners(target: BindingTarget, path: string): Owned[] {
  const { sources } = target;
  const compiled = ({ image }: Owned): boolean => image.binary.files.includes(sources.recorded(path));
  if (compiled(kernelOf(target))) return [kernelOf(target)];
  const all = [...readable(target.programs)];
  const holders = all.filter(compiled);
  if (holders.length > 0) return holders;
  return [kernelOf(target), ...all].filter(({ image }) => sources.mayHold(path, image.binary.files));
}

interface Found extends Owned {
  locations: BreakLocation[];
}

/** Every place between two lines of a file at which a breakpoint can stand. */
export function locationsBetween(target: BindingTarget, path: string, first: number, last: number): BreakLocation[] {
  const recorded = target.sources.recorded(path);
  return owners(target, path).flatMap(({ image }) => image.binary.locationsBetween(recorded, first, last));
}

function bindLine(target: BindingTarget, wanted: { path: string; line: number; column?: number }): Binding {
  const { image: kernel, sources } = target;
  const { path, hasDebugInfo, debugInfoProblem } = kernel.binary;
  if (!hasDebugInfo) return nowhere(debugInfoProblem ?? `${path} has no debug information: build the kernel with -g.`);
  const recorded = sources.recorded(wanted.path);
  const holders = owners(target, wanted.path);
  const found = holders
    .map((owned): Found => ({
      ...owned,
      locations: owned.image.binary.breakLocations(recorded, wanted.line, wanted.column),
    }))
    .filter(({ locations }) => locations.length > 0);
  // Programs may be linked with different parts of a library: the location nearest to the requested line is meant.
  const line = Math.min(...found.map(({ locations }) => locations[0]!.line));
  const nearest = found.filter(({ locations }) => locations[0]!.line === line);
  const first = nearest[0]?.locations[0];
  if (!first) {
    const known = holders.some(({ image }) => image.binary.files.includes(recorded));
    return nowhere(
      known
        ? `No code at line ${wanted.line} or below it in this file.`
        : `Neither the kernel nor ${someProgram(target)} has code from this file.`,
    );
  }
  return {
    verified: true,
    path: wanted.path,
    file: first.file,
    line,
    ...(first.column > 0 ? { column: first.column } : {}),
    locations: nearest.flatMap(({ owner, locations }) => locations.map(({ address }) => ({ address, owner }))),
  };
}

const someProgram = ({ programs }: BindingTarget): string =>
  programs.length > 0 ? `one of the ${programs.length} user programs` : 'a user program (none was found in user/)';

/** "sh:main" as its parts; with no owner, a bare name. */
function qualified(text: string): { owner?: string; name: string } {
  const [, owner, name] = /^([^:!\s]+)[:!]([^:!\s]+)$/.exec(text) ?? [];
  return owner === undefined || name === undefined ? { name: text } : { owner, name };
}

/** Behind the prologue of each function of the name, where it is inlined, or at an assembly label. */
function functionAddresses(image: MappedProgram, name: string): bigint[] {
  const { binary } = image;
  const addresses = [...binary.functionsNamed(name).map(({ bodyStart }) => bodyStart), ...binary.inlinedCopies(name)];
  if (addresses.length > 0) return addresses;
  // A label in assembly is a symbol and no function of the debug information's.
  const symbol = binary.symbol(name);
  return symbol && image.contains(symbol.address) ? [symbol.address] : [];
}

function bindFunction(target: BindingTarget, text: string): Binding {
  const { owner: wanted, name } = qualified(text);
  if (wanted !== undefined && wanted !== KERNEL && !target.programs.some((program) => program.name === wanted))
    return nowhere(`There is no user program "${wanted}": no file user/_${wanted} was found.`);
  const found: (Owned & LinkedLocation)[] = [];
  const look = (owned: Owned): void => {
    for (const address of functionAddresses(owned.image, name)) found.push({ ...owned, address });
  };
  if (wanted === undefined || wanted === KERNEL) look(kernelOf(target));
  if (found.length === 0 && wanted !== KERNEL) {
    for (const owned of readable(target.programs.filter((program) => wanted === undefined || program.name === wanted)))
      look(owned);
  }
  const first = found[0];
  if (!first) {
    const whose = wanted ?? (target.programs.length > 0 ? 'Neither the kernel nor any user program' : 'The kernel');
    const verb = wanted === undefined && target.programs.length > 0 ? 'has a' : 'has no';
    return nowhere(`${whose} ${verb} function "${name}".`);
  }
  return {
    verified: true,
    ...lineOf(target.sources, first.image, first.address),
    locations: found.map(({ address, owner }) => ({ address, owner })),
  };
}

function lineOf(
  sources: Sources,
  image: MappedProgram,
  address: bigint,
): { path?: string; line?: number; column?: number } {
  const entry = image.binary.lineAt(address);
  if (!entry) return {};
  const { file, line, column } = entry;
  return { path: sources.here(file) ?? file, line, ...(column > 0 ? { column } : {}) };
}
