/**
 * Paths as a launch configuration writes them, and the names of the folders that builds run in. The lab is looked for before
 * VS Code replaces variables, so those that name a folder are replaced here. Knows no VS Code.
 */
import { homedir } from 'node:os';
import * as path from 'node:path';

/** Replaces ${workspaceFolder}, ${userHome} and ${env:NAME}; every other variable, or one not set, stays as it is. */
export function replaceVariables(text: string, workspaceFolder: string | undefined, env = process.env): string {
  return text.replace(/\$\{(workspaceFolder|userHome|env:([^}]+))\}/g, (variable, word: string, name?: string) => {
    if (word === 'workspaceFolder') return workspaceFolder ?? variable;
    return (word === 'userHome' ? homedir() : env[name ?? '']) ?? variable;
  });
}

/** A path from `start`; one that holds variables for VS Code to replace later is left as it is. */
export function resolvePath(file: string, workspaceFolder: string | undefined, start = workspaceFolder ?? ''): string {
  const replaced = replaceVariables(file, workspaceFolder);
  return hasVariables(replaced) ? replaced : path.resolve(start, replaced);
}

export function hasVariables(text: string): boolean {
  return text.includes('${');
}

/** What a build is called: its command, and where it runs unless that is the workspace folder itself. */
export function buildName(command: string, cwd: string | undefined, workspaceFolder: string | undefined): string {
  if (cwd === undefined || workspaceFolder === undefined) return command;
  const where = path.relative(workspaceFolder, path.resolve(workspaceFolder, cwd));
  return where === '' ? command : `${command} (${where})`;
}
