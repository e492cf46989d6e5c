/** How the tests wait: for what a person would wait for, and as long as a busy machine may take. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Locator } from 'playwright-core';

/** Time limit for building and booting a lab, on a busy machine, in milliseconds. */
export const LONG = 120_000;
export const SHORT = 30_000;
/** Time limit for the command palette, which may close when something else takes the focus. */
export const PALETTE = 8_000;

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Tries until the attempt returns true; then what is wanted has come about. */
export async function eventually(what: string, attempt: () => Promise<boolean>, limit = LONG): Promise<void> {
  if (!(await comesTrue(attempt, limit))) throw new Error(`waited in vain for ${what}`);
}

/** Whether an attempt returns true within so many milliseconds. */
export async function comesTrue(attempt: () => Promise<boolean>, milliseconds: number): Promise<boolean> {
  const deadline = Date.now() + milliseconds;
  while (!(await attempt())) {
    if (Date.now() > deadline) return false;
    await delay(50);
  }
  return true;
}

/** Whether an element becomes visible in so many milliseconds. */
export async function seen(locator: Locator, milliseconds: number): Promise<boolean> {
  return locator.waitFor({ timeout: milliseconds }).then(
    () => true,
    () => false,
  );
}

/** Where an element is, once it is within the window and no longer moves: views scroll, and open beside each other. */
export async function boxOf(locator: Locator): Promise<Box> {
  let last: Box | null = null;
  const { width, height } = locator.page().viewportSize()!;
  await eventually(
    `${locator} to stand still on the screen`,
    async () => {
      const before = last;
      // An element that the editor has just drawn anew is gone, or another one.
      last = await locator.boundingBox({ timeout: PALETTE }).catch(() => null);
      await delay(50);
      if (before === null || last === null) return false;
      const isWithin = last.y >= 0 && last.y + last.height / 2 <= height && last.x >= 0 && last.x <= width;
      return isWithin && last.x === before.x && last.y === before.y && last.height === before.height;
    },
    SHORT,
  );
  return last!;
}
