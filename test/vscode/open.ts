/**
 * Opens a folder in a test window with this checkout's extension, gives it some keys, and takes a picture.
 *   npx tsx test/vscode/open.ts --folder DIR --screenshot out/x.png [--open FILE] [--press F5] [--command TITLE] [--theme NAME]
 *     [--text TEXT] [--wait SECONDS]
 * Steps run in the order they are given; every --screenshot is taken in its turn.
 */
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Host } from './host';
import type { Workbench } from './workbench';

type Step = (workbench: Workbench, value: string) => Promise<unknown>;

const steps: Record<string, Step> = {
  '--open': (workbench, path) => workbench.openFile(path),
  '--press': (workbench, key) => workbench.page.keyboard.press(key),
  '--text': (workbench, text) => workbench.page.keyboard.type(text),
  '--command': (workbench, title) => workbench.command(title),
  '--theme': (workbench, name) => workbench.theme(name),
  '--wait': (_workbench, seconds) => delay(Number(seconds) * 1000),
  '--screenshot': (workbench, file) => workbench.screenshot(resolve(file)),
};

function parse(args: string[]): { folder: string; todo: [Step, string][] } {
  let folder = process.cwd();
  const todo: [Step, string][] = [];
  for (let i = 0; i < args.length; i += 2) {
    const [option, value] = [args[i]!, args[i + 1]];
    if (value === undefined) throw new Error(`${option} wants a value`);
    if (option === '--folder') folder = resolve(value);
    else if (steps[option]) todo.push([steps[option], value]);
    else throw new Error(`unknown option ${option}; there are --folder and ${Object.keys(steps).join(', ')}`);
  }
  return { folder, todo };
}

async function main(): Promise<void> {
  const { folder, todo } = parse(process.argv.slice(2));
  const host = await Host.start();
  try {
    const workbench = await host.open({ folder });
    for (const [step, value] of todo) await step(workbench, value);
  } finally {
    await host.stop();
  }
}

void main();
