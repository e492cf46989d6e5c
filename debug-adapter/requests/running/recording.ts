/** Our own request `xv6.record`: the run so far as one file, for `xv6-emu --replay`. */
import { encodeRun } from '../../../emulator/history/recorded-run';
import { UserError } from '../../dap/errors';
import type { Requests } from '../../protocol';
import { requireStopped, type SessionContext } from '../context';

export async function record(context: SessionContext): Promise<Requests['xv6.record']['response']> {
  const { debuggee, past } = requireStopped(context);
  const { machine } = debuggee;
  if (past.isPast) throw new UserError('A recording goes up to the present: go there first, then save it.');
  const { instant, options, inputs } = machine;
  const bytes = await encodeRun({
    ...{ options, inputs: inputs.since(0), end: instant, hash: machine.stateHash(), at: instant },
    ...{ bookmarks: [], checkpoints: [], files: [], notes: null },
  });
  return { base64: base64(bytes) };
}

function base64(bytes: Uint8Array): string {
  let characters = '';
  for (const byte of bytes) characters += String.fromCharCode(byte);
  return btoa(characters);
}
