/** Runs of a kernel with a shell in either emulator: to the prompt, cold and warm, and through its usertests. */
import * as path from 'node:path';
import type { Lab } from '../../guests/lab';
import { HERE, THERE, copyOf, lab as labCommand } from '../emulators';
import { type Pair, byTurns, medians } from '../measure';
import { type Command, type Measured, Talk, untilText } from '../processes';

const MIB = 1 << 20;
const PROMPT = '$ ';
const PASSED = 'ALL TESTS PASSED';
/** Milliseconds within which usertests must pass. */
const USERTESTS_LIMIT = 900_000;
/** Milliseconds at the prompt, within which a boot is saved. */
const SAVING = 2000;

/** What is measured of a lab, on a fresh copy of its disk image each time. */
export class LabRuns {
  private readonly image: string;

  constructor(
    private readonly lab: Lab,
    private readonly harts: number,
    folder: string,
  ) {
    this.image = path.join(folder, 'fs.img');
  }

  /** From the start of the process to the prompt. */
  boot(program: Command, ...more: string[]): Promise<Measured> {
    return untilText([...this.onFreshDisk(program), ...more], PROMPT);
  }

  /** Boots once, to save the boot. */
  async saveBoot(program: Command, saved: string): Promise<void> {
    const talk = new Talk([...this.onFreshDisk(program), '--warm-start', saved]);
    await talk.expect(PROMPT);
    await new Promise((resolve) => setTimeout(resolve, SAVING));
    await talk.stop('SIGTERM');
  }

  get testLine(): string {
    return `usertests ${this.lab.quick}`;
  }

  /** From typing the line at the first prompt until all tests have passed. */
  async usertests(program: Command, ...more: string[]): Promise<Measured> {
    const talk = new Talk([...this.onFreshDisk(program), ...more]);
    const began = await talk.expect(PROMPT);
    talk.send(this.testLine);
    const ended = await talk.expect(PASSED, USERTESTS_LIMIT);
    const { resident: peak } = talk;
    await talk.stop();
    return { milliseconds: ended - began, resident: peak };
  }

  private onFreshDisk(program: Command): Command {
    copyOf(this.lab.image, this.image);
    return labCommand(program, this.lab, this.image, this.harts);
  }
}

type Both = Awaited<ReturnType<typeof byTurns<Measured>>>;

/** Measures a run here and in QEMU, by turns. */
export const alternately =
  (withQemu: boolean) =>
  (run: (program: Command) => Promise<Measured>, rounds?: number): Promise<Both> =>
    byTurns(() => run(HERE), withQemu ? () => run(THERE) : undefined, rounds);

export const seconds = (results: Both): Pair => medians(results, ({ milliseconds }) => milliseconds / 1000);
/** MiB. */
export const resident = (results: Both): Pair => medians(results, ({ resident: bytes }) => bytes / MIB);
