import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { lineOf, sessions } from './support';

const named = (variables: readonly DebugProtocol.Variable[], name: string): DebugProtocol.Variable => {
  const found = variables.find((variable) => variable.name === name);
  assert.ok(found, `no ${name} among ${variables.map((variable) => variable.name).join(', ')}`);
  return found;
};

describe('scopes and variables', function () {
  this.timeout(60_000);
  const session = sessions();

  it('shows arguments, locals, registers and CSRs of a frame', async () => {
    await session().boot({
      lines: [
        { file: 'kernel/vm.c', lines: [lineOf('kernel/vm.c', /pte_t \*pte = walk\(pagetable, va \+ offset, 1\);/)] },
      ],
    });
    await session().stopped();
    const frame = (await session().stack())[0]!;
    const { scopes } = (await session().scopesRequest({ frameId: frame.id })).body;
    assert.deepEqual(scopes.map(({ name }) => name).slice(0, 4), ['Locals', 'Arguments', 'Registers', 'CSRs']);
    const given = await session().scope('Arguments');
    assert.deepEqual(
      given.map(({ name }) => name),
      ['pagetable', 'va', 'size', 'pa', 'perm'],
    );
    assert.equal(named(given, 'va').value, String(0x10000000));
    assert.equal(named(given, 'va').type, 'uint64');
    const registers = await session().scope('Registers');
    assert.equal(registers.length, 32);
    assert.match(named(registers, 'pc').value, /^0x8000[0-9a-f]+ <mappages\+\d+>$/);
    assert.match(named(registers, 'sp').value, /^0x8/);
  });

  it('spells out the fields of a CSR', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    const csrs = await session().scope('CSRs');
    assert.match(named(csrs, 'satp').value, /^Sv39, ASID 0, root 0x8[0-9a-f]{7}$/);
    assert.equal(named(csrs, 'scause').value, '0x8 (system call from user mode)');
    const fields = await session().children(named(csrs, 'sstatus').variablesReference);
    assert.equal(named(fields, 'SPP').value, '0 (U)');
    const satp = await session().children(named(csrs, 'satp').variablesReference);
    assert.deepEqual(satp.map(({ name }) => name).sort(), ['ASID', 'MODE', 'PPN']);
  });

  it('unfolds structures, pointers and arrays, and pages long ones', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    const { body } = await session().evaluateRequest({ expression: 'proc', context: 'watch' });
    assert.ok(body.indexedVariables! >= 16);
    const page = (await session().variablesRequest({ variablesReference: body.variablesReference, start: 2, count: 3 }))
      .body;
    assert.deepEqual(
      page.variables.map(({ name }) => name),
      ['[2]', '[3]', '[4]'],
    );
    const [first] = await session().children(body.variablesReference);
    const members = await session().children(first!.variablesReference);
    assert.equal(named(members, 'pid').value, '1');
    assert.equal(named(members, 'state').value, 'RUNNING');
    assert.equal(named(members, 'pid').evaluateName, 'proc[0].pid');
    const frame = await session().children(named(members, 'trapframe').variablesReference);
    assert.equal(named(frame, 'a7').value, '16');
  });

  it('shows the frame that is asked for', async () => {
    await session().boot({ functions: ['mappages'] });
    await session().stopped();
    const stack = await session().stack();
    const caller = stack.findIndex(({ name }) => name === 'kvmmap');
    assert.ok(caller > 0);
    assert.equal(named(await session().scope('Arguments', 1, caller), 'va').value, String(0x10000000));
  });

  it('sets variables, registers and fields', async () => {
    await session().boot({ functions: ['mappages'] });
    await session().stopped();
    const frame = (await session().stack())[0]!;
    const { scopes } = (await session().scopesRequest({ frameId: frame.id })).body;
    const set = async (scope: string, name: string, value: string): Promise<string> => {
      const { variablesReference } = scopes.find((one) => one.name === scope)!;
      return (await session().setVariableRequest({ variablesReference, name, value })).body.value;
    };
    assert.equal(await set('Registers', 's3', '0x1234'), '0x1234');
    assert.equal(await session().value('$s3'), '0x1234');
    assert.match(await set('CSRs', 'sscratch', '77'), /0x4d/);
    assert.equal(await session().value('$sscratch'), '0x4d');
    await assert.rejects(set('Arguments', 'va', 'nothing at all'), /expression:1/);
    await assert.rejects(set('Arguments', 'nobody', '1'), /no "nobody"/);
  });

  it('a reference of an earlier stop is refused', async () => {
    await session().boot({ functions: ['mappages'] });
    await session().stopped();
    await session().goOn();
    await assert.rejects(session().variablesRequest({ variablesReference: 5 }), /no variables reference 5/);
    await assert.rejects(session().scopesRequest({ frameId: 99 }), /no stack frame 99/);
  });
});
