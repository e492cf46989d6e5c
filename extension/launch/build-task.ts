/**
 * The build as a task of type `xv6`. A launch configuration names it as its `preLaunchTask`; VS Code then runs it before
 * every start and restart, shows its errors under Problems, and asks what to do when it fails.
 */
import * as vscode from 'vscode';
import { buildName } from './launch-paths';

const TASK_TYPE = 'xv6';
const MATCHERS = ['$xv6-gcc', '$xv6-ld', '$xv6-as', '$xv6-make'];

interface BuildDefinition extends vscode.TaskDefinition {
  command: string;
  cwd?: string;
}

export class BuildTasks implements vscode.TaskProvider {
  /** The builds of launch configurations, by label. */
  private readonly builds = new Map<string, vscode.Task>();

  /** Makes the build known to VS Code. Returns the label for `preLaunchTask`. `cwd` is absolute. */
  add(command: string, cwd: string, folder: vscode.WorkspaceFolder): string {
    const task = taskFor({ type: TASK_TYPE, command, cwd }, folder);
    this.builds.set(`${folder.uri.toString()} ${cwd} ${command}`, task);
    return `${task.source}: ${task.name}`;
  }

  provideTasks(): vscode.Task[] {
    return [...this.builds.values()];
  }

  resolveTask(task: vscode.Task): vscode.Task | undefined {
    const { command, cwd } = task.definition as Partial<BuildDefinition>;
    if (typeof command !== 'string' || (cwd !== undefined && typeof cwd !== 'string')) return undefined;
    return taskFor(task.definition as BuildDefinition, task.scope ?? vscode.TaskScope.Workspace);
  }
}

function taskFor(definition: BuildDefinition, scope: vscode.WorkspaceFolder | vscode.TaskScope): vscode.Task {
  const { command, cwd } = definition;
  const execution = new vscode.ShellExecution(command, cwd === undefined ? {} : { cwd });
  const name = buildName(command, cwd, typeof scope === 'object' ? scope.uri.fsPath : undefined);
  const task = new vscode.Task(definition, scope, name, 'xv6', execution, MATCHERS);
  task.group = vscode.TaskGroup.Build;
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Silent, clear: true, showReuseMessage: false };
  return task;
}
