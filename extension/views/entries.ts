/**
 * What is done with an entry of the page-table panel: it is written by the way of all of a debugger's writes, watched, or asked about.
 * The page says which entry; only those of the table that it was given count.
 */
import * as vscode from 'vscode';
import type { PageTableModel } from '../../debug-adapter/protocol';
import type { ABOUT } from '../../webviews/page-table/messages';
import { type Consent, isRefusal } from '../past/consent';
import { request, type Sessions } from '../sessions';
import { type EntryInModel, entryAt, entryLabel } from './entry-in-model';

/** A table that is shown, and whose. */
export interface ShownTable {
  readonly session: vscode.DebugSession;
  readonly model: PageTableModel;
}

export class Entries {
  constructor(
    private readonly sessions: Sessions,
    private readonly consent: Consent,
  ) {}

  /** Writes an entry. In the past it asks first, as another future begins then. Returns whether it was written. */
  async set(shown: ShownTable, pteAddress: string, pte: string): Promise<boolean> {
    const { session } = shown;
    if (!this.find(shown, pteAddress)) return false;
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(pte), true);
    const data = Buffer.from(bytes).toString('base64');
    const write = () => session.customRequest('writeMemory', { memoryReference: `phys:${pteAddress}`, data });
    try {
      await write();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (!(await this.consent.branch(session))) return false;
      await write();
    }
    return true;
  }

  /** Stops whenever the entry changes, or no more. */
  async watch(shown: ShownTable, pteAddress: string, on: boolean): Promise<void> {
    const { session, model } = shown;
    const entry = this.find(shown, pteAddress);
    if (!entry) return;
    await request(session, 'xv6.watchEntry', { pteAddress, on, label: entryLabel(entry, model.shown.label) });
  }

  async ask(shown: ShownTable, about: (typeof ABOUT)[number], pteAddress: string, pa: string): Promise<void> {
    if (!this.find(shown, pteAddress)) return;
    if (about === 'writer') {
      await request(shown.session, 'xv6.whoWrote', { name: `*(unsigned long *)${pteAddress}` });
    } else {
      await vscode.commands.executeCommand(about === 'writes' ? 'xv6.everyWrite' : 'xv6.lifeOfPage', {
        pteAddress,
        pa,
      });
    }
  }

  private find({ session, model }: ShownTable, pteAddress: string): EntryInModel | undefined {
    return this.sessions.isStopped(session) ? entryAt(model.entries, BigInt(pteAddress)) : undefined;
  }
}
