/**
 * `xv6-emu`: the machine on the command line. What every make asks first, its version or its options, is answered at once; for
 * anything else the program is loaded, which takes several times as long.
 */
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { runCompiled } from '../host/compiled-code';
import { answerTo } from './command-line/option-words';

const [first = ''] = process.argv.slice(2);
const answer = answerTo(first);
if (answer === undefined) runCompiled(path.join(__dirname, 'xv6-emulator.js'), createRequire(__filename));
else process.stdout.write(answer);
