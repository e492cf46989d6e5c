/**
 * Runs a program's own files with what V8 compiled of them in an earlier run: to parse and compile them anew takes longer than
 * many a kernel's boot. What was compiled is kept in the user's folder for caches, and used only if nobody else can have put
 * it there; it is made for the file's contents and for one version of V8, which rejects what does not suit it.
 */
import * as fs from 'node:fs';
import { wrap } from 'node:module';
import * as path from 'node:path';
import { Script } from 'node:vm';
import { cacheFolder, isPrivateFolder, keepNewest, makePrivateFolder } from './private-folder';
import { replaceFile } from './replace-file';

/** Files to keep: of a few versions of the program and of V8. */
const MOST_FILES = 8;
/**
 * Milliseconds after which a run has used most of what others will, and V8 has not yet dropped what was used only at its start. The
 * code of a run that is over by then is replaced by that of the first one that is not.
 */
const WHOLE = 1000;
const BRIEF = '-brief';

type Require = (name: string) => unknown;
type Run = (exports: object, require: Require, module: { exports: object }, file: string, folder: string) => void;

/**
 * Runs a CommonJS file whose first line says what it holds (a hash of its contents, in a comment). What it requires by a name
 * that begins with `./` is run alike, anything else is left to `require`.
 */
export function runCompiled(file: string, require: Require): object {
  const folder = path.dirname(file);
  const module = { exports: {} };
  const requireBeside = (name: string): unknown =>
    name.startsWith('./') ? runCompiled(path.join(folder, name), require) : require(name);
  const run = compiled(file).runInThisContext() as Run;
  run(module.exports, requireBeside, module, file, folder);
  return module.exports;
}

/** Apart from `runCompiled`, which takes as long as the program: meanwhile the text and the code need not be in memory. */
function compiled(file: string): Script {
  const source = fs.readFileSync(file, 'utf8');
  const known = knownCode(file, source);
  const whole = known === undefined ? undefined : readKnown(known);
  const cachedData = known === undefined ? undefined : (whole ?? readKnown(known + BRIEF));
  const script = new Script(wrap(source), { filename: file, cachedData });
  const isUsed = cachedData !== undefined && script.cachedDataRejected !== true;
  if (known !== undefined && !(isUsed && cachedData === whole)) keepLater(script, known, isUsed);
  return script;
}

/** Keeps the code of a run that goes on for long enough, and of one that does not, unless code `isUsed` already. */
function keepLater(script: Script, known: string, isUsed: boolean): void {
  const keepBrief = (): void => keep(known + BRIEF, script.createCachedData());
  if (!isUsed) process.once('exit', keepBrief);
  setTimeout(() => {
    process.off('exit', keepBrief);
    keep(known, script.createCachedData());
  }, WHOLE).unref();
}

/** Where the code of a file would be kept; undefined if its contents have no name, or there is no such place. */
function knownCode(file: string, source: string): string | undefined {
  const hash = /^\/\/ ([0-9a-f]{16,64})\n/.exec(source)?.[1];
  const folder = cacheFolder('code');
  if (hash === undefined || folder === undefined) return undefined;
  const { arch, versions } = process;
  return path.join(folder, `${path.basename(file, '.js')}-${hash}-${arch}-${versions.v8}`);
}

function readKnown(known: string): Buffer | undefined {
  if (!isPrivateFolder(path.dirname(known))) return undefined;
  try {
    return fs.readFileSync(known);
  } catch {
    return undefined;
  }
}

/** The code is of use only: where it cannot be kept, nothing is lost. */
function keep(known: string, code: Buffer): void {
  const folder = path.dirname(known);
  try {
    makePrivateFolder(folder);
    if (!isPrivateFolder(folder)) return;
    replaceFile(known, code, 0o600);
    keepNewest(folder, MOST_FILES);
  } catch {
    // A full disk, or a folder that is none: the next run compiles anew, as this one did.
  }
}
