/**
 * What comes from a network is an input as a key stroke is: the run is done again by its log alone, without any network, in any tier
 * and slices, from power on and from a checkpoint.
 */
import assert from 'node:assert/strict';
import { FakeSockets } from '../testing/network/fake-sockets';
import { bytesOf, textOfBytes } from '../testing/network/guest-packets';
import { networkGuest } from '../testing/network/network-guest';
import { Random } from '../testing/random';
import { TIERS } from '../testing/tiers';
import { Machine } from '../machine';
import { LOOPBACK } from '../network/addresses';
import { parseForward } from '../network/forward';
import { UserNetwork } from '../network/user-network';
import type { Checkpoint, MachineOptions } from '../types';
import { compareInstants } from './instant';
import { decodeRun, encodeRun } from './recorded-run';

const SERVER = { address: LOOPBACK, port: 7000 };
const options: MachineOptions = { harts: 2, memory: 2 ** 20, legacyVirtio: false, kernel: networkGuest(SERVER.port) };

interface Session {
  machine: Machine;
  output: string;
  /** How often the guest has said hello. */
  hellos: number;
  checkpoint: Checkpoint;
}

/** A guest with a host that answers it: by chance at once or later, and with more than one datagram. */
function converse(seed: number): Session {
  const random = new Random(seed);
  const sockets = new FakeSockets();
  const session = { output: '', hellos: 0 } as Session;
  const network: UserNetwork = new UserNetwork(
    { forwards: [parseForward('udp::25999-:2000')], isRestricted: false },
    sockets,
    {
      deliver: (frame) => void machine.apply({ kind: 'frame', bytes: frame }),
      problem: (text) => assert.fail(text),
    },
  );
  const machine = new Machine({
    ...options,
    consoleOutput: (bytes) => (session.output += textOfBytes(bytes)),
    network: { frameOutput: (frame) => network.transmit(frame) },
  });
  const forwarded = sockets.udps[0]!;
  for (let turn = 0; turn < 400; turn++) {
    const stop = machine.run({ instructions: random.between(1, 400) });
    if (stop.kind === 'poweroff') break;
    if (stop.kind === 'idle' && stop.until < Infinity) machine.idleUntil(stop.until);
    else if (stop.kind === 'idle') machine.idleUntil(machine.now + random.between(1, 500));
    if (turn === 150) session.checkpoint = machine.save();
    sockets.pass();
    if (random.chance(30)) forwarded.events.received(bytesOf(`<${turn}>`), SERVER);
  }
  session.hellos = forwarded.sent.length;
  forwarded.events.received(bytesOf('bye.'), SERVER);
  for (let turn = 0; turn < 40 && !session.output.endsWith('.'); turn++) {
    const stop = machine.run({ instructions: 1000 });
    if (stop.kind === 'idle') machine.idleUntil(Math.min(stop.until, machine.now + 2000));
  }
  session.machine = machine;
  return session;
}

describe('a run with a network', () => {
  it('has what the guest was sent, and sends what it says', () => {
    const { output, hellos } = converse(1);
    assert.match(output, /^(<\d+>)+bye\.$/);
    assert.ok(hellos > 50, `${hellos} hellos`);
  });

  for (const seed of [2, 3]) {
    it(`is done again without one (seed ${seed})`, async () => {
      const { machine, output, checkpoint } = converse(seed);
      const recorded = await decodeRun(
        await encodeRun({
          ...{ options: machine.options, inputs: machine.inputs.since(0), end: machine.instant, at: machine.instant },
          ...{ hash: machine.stateHash(), bookmarks: [], futures: [], checkpoints: [], files: [], notes: null },
        }),
      );
      for (const acceleration of TIERS) {
        const random = new Random(seed);
        let again = '';
        let sent = 0;
        const other = new Machine({
          ...{ ...recorded.options, acceleration, consoleOutput: (bytes) => (again += textOfBytes(bytes)) },
          network: { frameOutput: () => sent++ },
        });
        other.replay(recorded.inputs);
        while (compareInstants(other.instant, recorded.end) < 0)
          other.run({ instructions: random.between(1, 3000), to: recorded.end });
        assert.equal(other.stateHash(), recorded.hash);
        assert.equal(again, output);
        assert.ok(sent > 50);
      }
      const later = new Machine(recorded.options);
      later.restore(checkpoint);
      later.replay(recorded.inputs.slice(checkpoint.instant.inputs));
      later.run({ instructions: Infinity, to: recorded.end });
      assert.equal(later.stateHash(), recorded.hash);
    });
  }

  it('is a run of a machine with a card', async () => {
    const { machine } = converse(2);
    const bytes = await encodeRun({
      ...{ options: machine.options, inputs: machine.inputs.since(0), end: machine.instant, at: machine.instant },
      ...{ hash: undefined, bookmarks: [], futures: [], checkpoints: [], files: [], notes: null },
    });
    assert.deepEqual((await decodeRun(bytes)).options.network, {});
  });
});
