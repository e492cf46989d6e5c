/** The interpreter's module. Programs that are built have its bytes in place of this file: see scripts/interpreter-plugin.mjs. */
import { generateInterpreter } from './interpreter';

export const interpreterBytes = (): Uint8Array<ArrayBuffer> => generateInterpreter();
