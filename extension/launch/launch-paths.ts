/**
 * Paths in a launch configuration, and the labels of builds. The extension looks for the lab before VS Code replaces
 * variables, so this replaces those that name a folder. Does not use VS Code.
 */
import { homedir } from 'node:os';
import * as path from 'node:path';

/** Replaces ${workspaceFolder}, ${userHome} and ${env:NAME}. Leaves other variables, and those not set, as they are. */
export function replaceVariables(text: string, workspaceFolder: string | undefined, env = process.env): string {
  return text.replace(/\$\{(workspaceFolder|userHome|env:([^}]+))\}/g, (variable, word: string, name?: string) => {
    if (word === 'workspaceFolder') return workspaceFolder ?? variable;
    return (word === 'userHome' ? homedir() : env[name ?? '']) ?? variable;
  });
}

/** An absolute path, relative to `start`. Leaves a path with variables that VS Code will replace as it is. */
export function resolvePath(file: string, workspaceFolder: string | undefined, start = workspaceFolder ?? ''): string {
  const replaced = replaceVariables(file, workspaceFolder);
  return hasVariables(replaced) ? replaced : path.resolve(start, replaced);
}

export function hasVariables(text: string): boolean {
  return text.includes('${');
}

/** The label of a build: its command, and its folder unless that is the workspace folder. */
export function buildName(command: string, cwd: string | undefined, workspaceFolder: string | undefined): string {
  if (cwd === undefined || workspaceFolder === undefined) return command;
  const where = path.relative(workspaceFolder, path.resolve(workspaceFolder, cwd));
  return where === '' ? command : `${command} (${where})`;
}
