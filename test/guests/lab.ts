/** A built xv6 tree outside the repository: its files, and the machine in its Makefile. */
import * as fs from 'node:fs';
import * as path from 'node:path';

export interface Lab {
  name: string;
  kernel: string;
  image: string;
  /** Bytes. */
  memory: number;
  legacyVirtio: boolean;
  /** Options of its usertests for a quick run. */
  quick: string;
}

export function labAt(folder: string): Lab {
  const makefile = fs.readFileSync(path.join(folder, 'Makefile'), 'utf8');
  const [, size, unit] = /-m (\d+)([MG])/.exec(makefile) ?? ['', '128', 'M'];
  const usertests = path.join(folder, 'user', 'usertests.c');
  return {
    name: path.basename(folder),
    kernel: path.join(folder, 'kernel', 'kernel'),
    image: path.join(folder, 'fs.img'),
    memory: Number(size) * (unit === 'G' ? 2 ** 30 : 2 ** 20),
    legacyVirtio: !makefile.includes('force-legacy=false'),
    quick: fs.existsSync(usertests) && fs.readFileSync(usertests, 'utf8').includes('"-q"') ? '-q' : '',
  };
}
