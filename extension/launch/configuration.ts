/**
 * Completes a launch configuration after F5: finds the lab, reads the machine from its Makefile, and names the build that
 * runs first. Never overrides what launch.json says.
 */
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { LaunchAttributes } from '../../debug-adapter/protocol';
import type { BuildTasks } from './build-task';
import { findLab, inspectLab, type Lab } from './lab';
import { LabError } from './lab-makefile';
import { hasVariables, resolvePath } from './launch-paths';
import { fingerprint, type Identity, isRestartOf, sharesImage } from './one-machine';
import { DEBUG_TYPE, type Sessions } from '../sessions';

/** Attributes that name a file; but some firmware has a name of its own. */
const PATHS = ['kernel', 'bios', 'image', 'initrd', 'disk', 'recording'] as const;
const NO_PATHS = ['none', 'default'];

type Configuration = vscode.DebugConfiguration & LaunchAttributes & Identity;

export class ConfigurationProvider implements vscode.DebugConfigurationProvider {
  /** Notes already shown: a lab gives the same ones on every F5. */
  private readonly shownNotes = new Set<string>();

  constructor(
    private readonly sessions: Sessions,
    private readonly builds: BuildTasks,
  ) {}

  async provideDebugConfigurations(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration[]> {
    const lab = folder && (await findLab(folder.uri.fsPath));
    if (!folder || lab === undefined) return [launch('Debug xv6')];
    const within = path.relative(folder.uri.fsPath, lab);
    const cwd = within === '' ? {} : { cwd: '${workspaceFolder}/' + within.split(path.sep).join('/') };
    return [{ ...launch('Debug xv6'), ...cwd }];
  }

  /** Called before VS Code replaces variables and runs the build: fills in everything that the build depends on. */
  async resolveDebugConfiguration(
    folder: vscode.WorkspaceFolder | undefined,
    given: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    const noDebug = given.noDebug === true ? { noDebug: true } : {};
    const config: Configuration = given.type ? { ...given } : { ...launch('xv6'), ...noDebug };
    config.__given = fingerprint(given);
    folder ??= vscode.workspace.workspaceFolders?.[0];
    if (folder) config.cwd = resolvePath(config.cwd ?? '', folder.uri.fsPath);
    try {
      if (config.recording !== undefined) await findSources(config);
      else if (folder && config.cwd !== undefined) await this.fillIn(config, config.cwd, folder);
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      void (error instanceof NoLabError ? offerSampleLab(error) : showError(error));
      return undefined;
    }
    if (this.isRunning(config, folder)) return undefined;
    // The guest's console is a terminal; the debug console would cover it.
    config['internalConsoleOptions'] ??= 'neverOpen';
    // VS Code need not warn: isRunning has made sure that two machines do not share a disk image.
    config['suppressMultipleSessionWarning'] = true;
    return config;
  }

  /** Called after the build: makes paths absolute for the adapter, which has no workspace. */
  resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    config: Configuration,
  ): Configuration {
    const { cwd } = config;
    const resolved = (file: string) => (cwd === undefined ? file : resolvePath(file, folder?.uri.fsPath, cwd));
    const absolute: Configuration = { ...config };
    for (const name of PATHS) {
      const file = config[name];
      if (file !== undefined && !(name === 'bios' && NO_PATHS.includes(file))) absolute[name] = resolved(file);
    }
    return absolute;
  }

  /** Fills in from the lab in `cwd` what the configuration leaves out. Throws LabError if it needs a lab and there is none. */
  private async fillIn(config: Configuration, cwd: string, folder: vscode.WorkspaceFolder): Promise<void> {
    const lab =
      config.kernel === undefined ? await labIn(cwd, config) : await labIn(cwd, config).catch(() => undefined);
    if (!lab) {
      if (config.build) this.buildBefore(config, config.build, cwd, folder);
      return;
    }
    const { machine } = lab;
    const own = path.join(lab.folder, machine.kernel);
    config.cwd = config.kernel === undefined ? lab.folder : cwd;
    config.kernel ??= own;
    if (machine.disk !== undefined) config.disk ??= path.join(lab.folder, machine.disk);
    config.harts ??= machine.harts;
    config.memory ??= machine.memory;
    const { bios, initrd, append } = machine;
    if (bios !== undefined) config.bios ??= bios === 'default' ? bios : path.join(lab.folder, bios);
    if (initrd !== undefined) config.initrd ??= path.join(lab.folder, initrd);
    if (append !== undefined) config.append ??= append;
    config.legacyVirtio ??= machine.legacyVirtio;
    config.diskSlot ??= machine.diskSlot;
    config.network ??= machine.network;
    config.snapshot ??= machine.snapshot;
    const makesIt = resolvePath(config.kernel, folder.uri.fsPath, cwd) === own;
    const build = config.build ?? (makesIt ? lab.build : undefined);
    if (build) this.buildBefore(config, build, lab.folder, folder);
    for (const note of lab.notes) {
      if (this.shownNotes.has(note)) continue;
      this.shownNotes.add(note);
      void vscode.window.showInformationMessage(note);
    }
  }

  private buildBefore(config: Configuration, command: string, cwd: string, folder: vscode.WorkspaceFolder): void {
    config.preLaunchTask ??= this.builds.add(command, cwd, folder);
  }

  /** Two machines with one disk image would overwrite each other's writes, and a build would change it under a running guest. */
  private isRunning(config: Configuration, folder: vscode.WorkspaceFolder | undefined): boolean {
    const resolved = this.resolveDebugConfigurationWithSubstitutedVariables(folder, config);
    const running = this.sessions.all().find((session) => sharesImage(this.sessions.configuration(session), resolved));
    if (!running || isRestartOf(this.sessions.configuration(running), config)) return false;
    void offerRestart(running);
    return true;
  }
}

/** A recording needs no lab and no build; the sources are those of a lab, if one is open. */
async function findSources(config: Configuration): Promise<void> {
  if (config.cwd === undefined || hasVariables(config.cwd)) return;
  config.cwd = (await findLab(config.cwd)) ?? config.cwd;
}

class NoLabError extends LabError {}

/** The lab at `start`. Looks for a compiler only if the configuration does not say what to build. */
async function labIn(start: string, config: Configuration): Promise<Lab> {
  if (hasVariables(start)) {
    throw new LabError(
      `The lab's folder, "cwd", is ${start} with variables that are not set or come too late to look for a lab. ` +
        'Use ${workspaceFolder}, ${userHome} or ${env:NAME} in it, or a path.',
    );
  }
  const found = await findLab(start);
  if (found !== undefined) return inspectLab(found, config.build === undefined);
  throw new NoLabError(
    `${start} is no xv6 lab: it has no Makefile that makes kernel/kernel. ` +
      "Open the lab's own folder, or name kernel and disk in a launch.json.",
  );
}

/** Shows why nothing was started, in a dialog as VS Code does for a failed launch: a notification is easily overlooked. */
async function showError({ message }: LabError, ...choices: string[]): Promise<string | undefined> {
  const end = message.indexOf('. ') + 1;
  const [words, detail] = end > 0 ? [message.slice(0, end), message.slice(end + 1)] : [message, ''];
  return vscode.window.showErrorMessage(words, { modal: true, detail }, ...choices);
}

async function offerSampleLab(error: NoLabError): Promise<void> {
  const open = 'Open Sample Lab';
  if ((await showError(error, open)) === open) await vscode.commands.executeCommand('xv6.openSampleLab');
}

async function offerRestart(running: vscode.DebugSession): Promise<void> {
  const restart = 'Restart';
  const show = 'Show Console';
  const choice = await vscode.window.showWarningMessage(
    `"${running.name}" is still running with this kernel and disk image, and goes on undisturbed. Restart it to boot again.`,
    restart,
    show,
  );
  if (choice === restart) await vscode.commands.executeCommand('workbench.action.debug.restart');
  if (choice === show) await vscode.commands.executeCommand('xv6.showConsole');
}

function launch(name: string): Configuration {
  return { type: DEBUG_TYPE, request: 'launch', name };
}
