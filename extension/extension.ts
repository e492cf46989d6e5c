/** VS Code calls this when the extension is first needed. It creates the parts and passes each one those that it uses. */
import * as vscode from 'vscode';
import { AdapterFactory } from './adapter';
import { claimPlainAssembly } from './editor/assembly-language';
import { BuildTasks } from './launch/build-task';
import { ConfigurationProvider } from './launch/configuration';
import { Consoles } from './views/console';
import { Disassembly, DISASSEMBLY } from './editor/disassembly';
import { SELECTOR, TranslatingHover } from './editor/hover';
import { NumberFormat } from './editor/number-format';
import { openRecording, RECORDING_VIEW, RecordingOpener } from './past/open-recording';
import { savePackets, saveRecording } from './past/save-recording';
import { Entries } from './views/entries';
import { PageTablePanel } from './views/page-table-panel';
import { StopView } from './views/stop-view';
import { TimelineView } from './views/timeline-view';
import { checkVmprint, copyVmprint } from './views/vmprint';
import { ProcessesView } from './views/processes-view';
import { InlineValues } from './editor/inline-values';
import { GradeTests } from './grading/grade-tests';
import { openSampleLab } from './launch/sample-lab';
import { Consent } from './past/consent';
import { ConsoleLinks } from './past/console-links';
import { Journeys } from './past/journeys';
import { Questions } from './past/questions';
import { Whereabouts } from './past/whereabouts';
import { DEBUG_TYPE, Sessions } from './sessions';

export function activate(context: vscode.ExtensionContext): void {
  const { extensionUri, subscriptions, storageUri, globalStorageUri, workspaceState } = context;
  const { debug, languages, commands, tasks, workspace } = vscode;
  const sessions = new Sessions();
  const builds = new BuildTasks();
  const configurations = new ConfigurationProvider(sessions, builds);
  const whereabouts = new Whereabouts(sessions);
  const consent = new Consent(sessions, whereabouts);
  const consoles = new Consoles(sessions, whereabouts, consent);
  const lines = new ConsoleLinks(sessions, consoles);
  const entries = new Entries(sessions, consent);
  const pageTable = new PageTablePanel(extensionUri, sessions, entries);
  const processes = new ProcessesView(sessions, pageTable);
  const disassembly = new Disassembly(sessions);
  const hover = new TranslatingHover(sessions, (...looked) => void pageTable.light(...looked));
  const numbers = new NumberFormat(sessions);
  const grades = new GradeTests(extensionUri, vscode.Uri.joinPath(storageUri ?? globalStorageUri, 'recordings'));
  subscriptions.push(
    sessions,
    whereabouts,
    consent,
    consoles,
    ...new Journeys(sessions, whereabouts, consent).register(),
    ...new Questions(sessions).register(),
    vscode.window.registerTerminalLinkProvider(lines),
    commands.registerCommand('xv6.whoPrinted', () => lines.choose()),
    commands.registerCommand('xv6.saveRecording', () => saveRecording(sessions)),
    commands.registerCommand('xv6.savePackets', () => savePackets(sessions)),
    commands.registerCommand('xv6.openRecording', (file: unknown) => openRecording(file)),
    vscode.window.registerCustomEditorProvider(RECORDING_VIEW, new RecordingOpener()),
    pageTable,
    new TimelineView(extensionUri, sessions),
    new StopView(extensionUri, workspaceState, sessions, (id) => pageTable.show(id)),
    processes,
    disassembly,
    claimPlainAssembly(),
    tasks.registerTaskProvider(DEBUG_TYPE, builds),
    debug.registerDebugConfigurationProvider(DEBUG_TYPE, configurations),
    debug.registerDebugConfigurationProvider(
      DEBUG_TYPE,
      { provideDebugConfigurations: (folder) => configurations.provideDebugConfigurations(folder) },
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, new AdapterFactory(extensionUri, sessions)),
    workspace.registerTextDocumentContentProvider(DISASSEMBLY, disassembly),
    languages.registerEvaluatableExpressionProvider(SELECTOR, hover),
    languages.registerHoverProvider(SELECTOR, hover),
    languages.registerInlineValuesProvider([{ language: 'c' }, { language: 'cpp' }], new InlineValues()),
    commands.registerCommand('xv6.showPageTable', () => pageTable.show()),
    commands.registerCommand('xv6.exportAddressSpace', () => pageTable.exportDrawing()),
    ...pageTable.register(),
    commands.registerCommand('xv6.copyVmprint', () => copyVmprint(sessions, () => pageTable.shown)),
    commands.registerCommand('xv6.checkVmprint', () => checkVmprint(sessions)),
    commands.registerCommand('xv6.showConsole', () => consoles.show()),
    numbers,
    grades,
    commands.registerCommand('xv6.openTestRecording', (test: unknown) => grades.open(test)),
    commands.registerCommand('xv6.showHexadecimal', () => numbers.set(true)),
    commands.registerCommand('xv6.showDecimal', () => numbers.set(false)),
    commands.registerCommand('xv6.showDisassembly', () => disassembly.show()),
    commands.registerCommand('xv6.openSampleLab', () => openSampleLab(extensionUri)),
  );
}
