import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { lineOf, sessions, source } from '../support';

describe('breakpointLocations', function () {
  this.timeout(60_000);
  const session = sessions();

  it('lists the places of a line, and none for one without code', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const places = async (line: number): Promise<DebugProtocol.BreakpointLocation[]> => {
      const answer = (await session().customRequest('breakpointLocations', {
        source: { path: source('kernel/vm.c') },
        line,
      })) as DebugProtocol.BreakpointLocationsResponse;
      return answer.body.breakpoints;
    };
    const line = lineOf('kernel/vm.c', /for \(uint64 offset = 0; offset < size/);
    const found = await places(line);
    assert.ok(found.length >= 2, 'a for statement has several places');
    assert.ok(found.every((place) => place.line === line));
    assert.deepEqual(await places(1), []);
  });
});
