/** Page tables as the labs have them printed: `xv6.vmprint` writes one, `xv6.checkVmprint` checks what the guest has printed last. */
import { hex } from '../../../emulator/isa/hex';
import { Tables } from '../../page-tables/tables';
import { checkDump, lastDump, validEntries, vmprint as dumpOf, type Dump } from '../../page-tables/vmprint';
import type { Requests } from '../../protocol';
import { tableName } from '../../xv6/tables';
import { requireStopped, type SessionContext } from '../context';
import { inProgress } from '../lifecycle/progress';
import { findOutput } from '../running/questions';

export function vmprint(
  context: SessionContext,
  { format, root: id = 'satp' }: Requests['xv6.vmprint']['arguments'],
): Requests['xv6.vmprint']['response'] {
  const { debuggee, stopped } = requireStopped(context);
  const { root, label, whyNone } = new Tables(debuggee, debuggee.harts[stopped.report.hart]!).named(id);
  if (root === undefined) throw new Error(`There is no table to print: ${whyNone}.`);
  return { text: `${dumpOf(root, validEntries(debuggee.machine.memory, root), format).join('\n')}\n`, label };
}

/** Goes, for a moment, to where the last line of the dump was printed: the table may be another one since. */
export async function checkVmprint(context: SessionContext): Promise<Requests['xv6.checkVmprint']['response']> {
  const { past } = requireStopped(context);
  const { console } = context;
  const dump = lastDump(console.text);
  if (dump === undefined) throw new Error('The console shows no page table: no line “page table 0x…”.');
  const last = dump.lines.at(-1);
  if (last === undefined) throw new Error(`Below the last line “page table ${hex(dump.root)}” no entry is printed.`);
  const place = console.linesSaying(last)[0];
  if (place === undefined) throw new Error('The last page table on the console is not finished.');
  return inProgress(
    context,
    'Looking for where the page table was printed',
    () =>
      past.inquire(async (timeline) => {
        const found = await findOutput(context, timeline, place);
        if (found === undefined) throw new Error('The page table was printed before the past begins.');
        return compared(context, dump);
      }),
    () => past.cancel(),
  );
}

function compared(context: SessionContext, dump: Dump): Requests['xv6.checkVmprint']['response'] {
  const { debuggee } = requireStopped(context);
  const { memory } = debuggee.machine;
  const entries = validEntries(memory, dump.root);
  const owner = tableName(debuggee.xv6, dump.root);
  const label = owner === undefined ? `the table at ${hex(dump.root)}` : `the table of ${owner}`;
  if (memory.read(dump.root, 8) === undefined)
    throw new Error(`At ${hex(dump.root)} there is no memory for a page table.`);
  return { label, lines: dump.lines.length, problems: checkDump(dump, entries) };
}
