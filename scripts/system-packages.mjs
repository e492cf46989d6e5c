// The system packages that the tests and the browser edition of VS Code need, by Debian's and Ubuntu's names, and their
// installation where that is allowed.
import { findOnPath, isExecutable, run, Stop, succeeds } from './run.mjs';

const commandsOf = {
  'qemu-system-misc': ['qemu-system-riscv64'],
  'gcc-riscv64-unknown-elf': ['riscv64-unknown-elf-gcc'],
  'gdb-multiarch': ['gdb-multiarch'],
  'device-tree-compiler': ['dtc'],
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
  ripgrep: ['rg'],
  make: ['make'],
  'g++': ['g++'],
  python3: ['python3'],
  git: ['git'],
};

/** For building code-server's native modules, and for its search. */
export const forCodeServer = ['ripgrep', 'make', 'g++', 'python3'];
export const forTests = [
  ...forCodeServer,
  'git',
  'chromium',
  'qemu-system-misc',
  'gcc-riscv64-unknown-elf',
  'gdb-multiarch',
  'device-tree-compiler',
];

/** Chromium's path: CHROMIUM if set, else the one on the PATH. */
export function chromium() {
  const named = process.env.CHROMIUM;
  if (named && !isExecutable(named)) throw new Stop(`CHROMIUM is ${named}, which cannot be run`);
  return named || findOnPath(...commandsOf.chromium);
}

function isMissing(name) {
  return name === 'chromium' ? chromium() === undefined : findOnPath(...commandsOf[name]) === undefined;
}

/** Installs missing packages, as root or with a sudo that needs no password; else throws `Stop` with their names. */
export async function ensurePackages(names) {
  let missing = names.filter(isMissing);
  if (missing.length === 0) return;
  const words = (failed) => `${failed}; they are: apt-get install ${missing.join(' ')}`;
  if (!findOnPath('apt-get')) throw new Stop(words('system packages are missing and there is no apt-get'));
  const sudo = process.getuid() === 0 ? [] : ['sudo', '-n'];
  if (sudo.length > 0 && !(findOnPath('sudo') && succeeds('sudo', ['-n', 'true'])))
    throw new Stop(words('system packages are missing and may not be installed from here'));
  console.log(`Installing system packages: ${missing.join(' ')}`);
  const apt = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', '-o', 'Dpkg::Use-Pty=0'];
  try {
    await run(apt[0], [...apt.slice(1), 'update']);
    await run(apt[0], [...apt.slice(1), 'install', '-y', '--no-install-recommends', ...missing]);
  } catch (error) {
    if (error instanceof Stop) throw new Stop(words(error.message));
    throw error;
  }
  missing = missing.filter(isMissing);
  if (missing.length > 0) throw new Stop(words('apt-get installed them and their commands are still not on the PATH'));
}
