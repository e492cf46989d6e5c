import { strict as assert } from 'node:assert';
import { sessions } from '../support';

describe('setFunctionBreakpoints', function () {
  this.timeout(60_000);
  const session = sessions();

  it('stops behind the prologue of a function', async () => {
    await session().boot({ functions: ['kvmmake'] });
    const stop = await session().stopped();
    assert.equal(stop.reason, 'function breakpoint');
    assert.match((await session().places())[0]!, /^kvmmake kernel\/vm\.c/);
  });

  it('knows labels in assembly, and says which functions there are not', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const { body } = await session().setFunctionBreakpointsRequest({
      breakpoints: [{ name: 'uservec' }, { name: 'no_such' }],
    });
    assert.deepEqual(
      body.breakpoints.map(({ verified, message }) => [verified, message]),
      [
        [true, undefined],
        [false, 'Neither the kernel nor any user program has a function "no_such".'],
      ],
    );
    await session().goOn();
    assert.match((await session().places())[0]!, /^uservec/);
  });
});
