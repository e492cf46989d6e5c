import assert from 'node:assert/strict';
import { FakeSockets } from '../../emulator/testing/network/fake-sockets';
import { arpRequest } from '../../emulator/testing/network/guest-packets';
import { GATEWAY, LOOPBACK } from '../../emulator/network/addresses';
import { parseForward } from '../../emulator/network/forward';
import { GuestNetwork } from './guest-network';

class Run {
  inPast = false;
  running = true;
  woken = 0;
  readonly frames: Uint8Array[] = [];
  readonly sockets = new FakeSockets();
  readonly network = new GuestNetwork([parseForward('udp::25999-:2000')], this.sockets, this, (text) =>
    assert.fail(text),
  );

  receive(frame: Uint8Array): void {
    this.frames.push(frame);
  }
  wake(): void {
    this.woken++;
  }
  ask(): void {
    this.network.transmit(arpRequest(GATEWAY));
    this.sockets.pass();
  }
  come(): void {
    this.sockets.udps[0]!.events.received(Uint8Array.of(1), { address: LOOPBACK, port: 4000 });
  }
}

describe('the network of a run that can go back', () => {
  it('hands over what comes while the machine runs, and wakes it', () => {
    const run = new Run();
    run.ask();
    assert.deepEqual([run.frames.length, run.woken], [1, 1]);
  });

  it('lets what comes wait while the machine stands, but not without end', () => {
    const run = new Run();
    run.ask();
    run.running = false;
    for (let count = 0; count < 1000; count++) run.come();
    assert.equal(run.frames.length, 1);
    run.network.feed();
    assert.equal(run.frames.length, 257);
    run.network.feed();
    assert.equal(run.woken, 2);
  });

  it('sends nothing again in the past, and takes nothing there', () => {
    const run = new Run();
    run.ask();
    run.inPast = true;
    run.ask();
    run.come();
    run.inPast = false;
    run.network.feed();
    assert.equal(run.frames.length, 1);
  });

  it('forgets whom it knew where another future begins', () => {
    const run = new Run();
    run.ask();
    run.running = false;
    run.come();
    run.network.forget();
    run.network.feed();
    assert.equal(run.frames.length, 1);
    run.network.close();
    assert.equal(run.sockets.udps[0]!.isClosed, true);
  });
});
