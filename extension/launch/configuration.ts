/**
 * From F5 to a launch configuration with everything in it: recognizes the lab, asks its Makefile for the machine, and
 * names the build that goes before. What a launch.json says is never overruled.
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

type Configuration = vscode.DebugConfiguration & LaunchAttributes & Identity;

export class ConfigurationProvider implements vscode.DebugConfigurationProvider {
  /** Notes already shown: a lab says the same on every F5. */
  private readonly told = new Set<string>();

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

  /** Before VS Code replaces variables and runs the build: everything that the build depends on. */
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
      if (folder && config.cwd !== undefined) await this.fillIn(config, config.cwd, folder);
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      void (error instanceof NoLabError ? tellNoLab(error) : tell(error));
      return undefined;
    }
    if (this.isRunning(config, folder)) return undefined;
    // The guest's console is a terminal; the debug console would open in front of it.
    config['internalConsoleOptions'] ??= 'neverOpen';
    // The question that VS Code would ask has been answered above: two machines never share a disk image.
    config['suppressMultipleSessionWarning'] = true;
    return config;
  }

  /** After the build: paths as the adapter takes them, which has no workspace to start from. */
  resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    config: Configuration,
  ): Configuration {
    const { cwd, kernel, disk } = config;
    const resolved = (file: string) => (cwd === undefined ? file : resolvePath(file, folder?.uri.fsPath, cwd));
    return {
      ...config,
      ...(kernel === undefined ? {} : { kernel: resolved(kernel) }),
      ...(disk === undefined ? {} : { disk: resolved(disk) }),
    };
  }

  /** Takes from the lab in `cwd` what the configuration leaves open. Throws LabError if it must have a lab and has none. */
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
    config.legacyVirtio ??= machine.legacyVirtio;
    const makesIt = resolvePath(config.kernel, folder.uri.fsPath, cwd) === own;
    const build = config.build ?? (makesIt ? lab.build : undefined);
    if (build) this.buildBefore(config, build, lab.folder, folder);
    for (const note of lab.notes) {
      if (this.told.has(note)) continue;
      this.told.add(note);
      void vscode.window.showInformationMessage(note);
    }
  }

  private buildBefore(config: Configuration, command: string, cwd: string, folder: vscode.WorkspaceFolder): void {
    config.preLaunchTask ??= this.builds.add(command, cwd, folder);
  }

  /** Two machines with one disk image would overwrite each other, and a build would change it under a running guest. */
  private isRunning(config: Configuration, folder: vscode.WorkspaceFolder | undefined): boolean {
    const resolved = this.resolveDebugConfigurationWithSubstitutedVariables(folder, config);
    const running = this.sessions.all().find((session) => sharesImage(this.sessions.configuration(session), resolved));
    if (!running || isRestartOf(this.sessions.configuration(running), config)) return false;
    void offerRestart(running);
    return true;
  }
}

class NoLabError extends LabError {}

/** The lab in the folder to start from. Where the configuration says what to build, or nothing, no compiler is looked for. */
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

/** Says why nothing was started, in a dialog as VS Code's own for a launch that failed: a notification is soon overlooked. */
async function tell({ message }: LabError, ...choices: string[]): Promise<string | undefined> {
  const end = message.indexOf('. ') + 1;
  const [words, detail] = end > 0 ? [message.slice(0, end), message.slice(end + 1)] : [message, ''];
  return vscode.window.showErrorMessage(words, { modal: true, detail }, ...choices);
}

async function tellNoLab(error: NoLabError): Promise<void> {
  const open = 'Open Sample Lab';
  if ((await tell(error, open)) === open) await vscode.commands.executeCommand('xv6.openSampleLab');
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
