import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { golden, masked } from '../golden';
import { lineOf, named, oneSession, sessions, type TestSession } from '../support';

async function scopesOf(session: TestSession, frameId: number): Promise<DebugProtocol.Scope[]> {
  return (await session.scopesRequest({ frameId })).body.scopes;
}

/** Scopes with their variables, as a view shows them expanded. */
async function shown(session: TestSession, frameId: number, ...names: string[]): Promise<string[]> {
  const lines: string[] = [];
  for (const { name, variablesReference } of await scopesOf(session, frameId)) {
    if (!names.includes(name)) continue;
    lines.push(`${name}:`);
    for (const variable of await session.children(variablesReference))
      lines.push(`  ${variable.name}: ${variable.type} = ${variable.value}`);
  }
  return lines;
}

describe('scopes', function () {
  this.timeout(60_000);
  const session = sessions();

  it('are locals, arguments, registers, CSRs and globals of the file', async () => {
    await session().boot({
      lines: [
        { file: 'kernel/vm.c', lines: [lineOf('kernel/vm.c', /pte_t \*pte = walk\(pagetable, va \+ offset, 1\);/)] },
      ],
    });
    await session().stopped();
    const frame = (await session().stack())[0]!;
    const found = await scopesOf(session(), frame.id);
    assert.deepEqual(
      found.map(({ name, presentationHint, expensive }) => [name, presentationHint, expensive]),
      [
        ['Locals', 'locals', false],
        ['Arguments', 'arguments', false],
        ['Registers', 'registers', false],
        ['CSRs', undefined, true],
        ['Globals of vm.c', undefined, true],
      ],
    );
    assert.equal(named(found, 'Arguments').namedVariables, 5);
    golden('scopes-mappages', await shown(session(), frame.id, 'Locals', 'Arguments', 'Globals of vm.c'));
    const registers = await session().scope('Registers');
    assert.equal(registers.length, 32);
    assert.match(named(registers, 'pc').value, /^0x8000[0-9a-f]+ <mappages\+\d+>$/);
  });

  it('of a system call have the trap frame of its process', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    const stack = await session().stack();
    const trapFrame = await session().scope('Trap frame');
    assert.equal(named(trapFrame, 'a7').value, '0x10');
    assert.equal(named(trapFrame, 'a7').evaluateName, '$proc(1)->trapframe->a7');
    assert.equal(await session().value('$proc(1)->trapframe->a7'), '16');
    assert.equal(named(trapFrame, 'epc').value, `0x${BigInt(await session().value('$sepc + 4')).toString(16)}`);
    // The user program's frames have its own variables, and nothing of the kernel but the registers.
    const main = stack.find(({ name }) => name === 'main')!;
    golden('scopes-user', (await shown(session(), main.id, 'Locals', 'Arguments', 'Globals of init.c')).map(masked));
    const label = stack.find(({ presentationHint }) => presentationHint === 'label')!;
    assert.deepEqual(await scopesOf(session(), label.id), []);
  });

  it('spell out CSRs, and their fields', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    const csrs = await session().scope('CSRs');
    const lines: string[] = [];
    for (const { name, value, variablesReference } of csrs) {
      if (!/^(satp|sstatus|scause|stvec|mstatus|medeleg|mie|pmpcfg0)$/.test(name)) continue;
      lines.push(`${name} = ${value}`);
      if (variablesReference > 0) {
        for (const field of await session().children(variablesReference))
          lines.push(`  ${field.name} = ${field.value}`);
      }
    }
    golden('csrs', lines.map(masked));
  });

  it('mark registers that have changed since the last stop', async () => {
    await session().boot({ functions: ['mappages'] });
    await session().stopped();
    assert.ok(
      (await session().scope('Registers')).every((one) => !one.presentationHint?.attributes?.includes('changed')),
    );
    const sp = await session().value('$sp');
    await session().step('stepIn', 1, 'instruction');
    const changed = (await session().scope('Registers')).filter(({ presentationHint }) =>
      presentationHint?.attributes?.includes('changed'),
    );
    assert.deepEqual(
      changed.map(({ name }) => name),
      ['pc', 'sp'],
    );
    assert.equal(named(changed, 'sp').type, `void *, was ${sp}`);
    const caller = await session().scope('Registers', 1, 1);
    assert.ok(caller.every(({ presentationHint }) => !presentationHint?.attributes?.includes('changed')));
  });

  it('say at a trap what is about to be taken', async () => {
    await session().boot({ filters: [{ filterId: 'system-call', condition: '$a7 == 16' }] });
    await session().stopped();
    const rows = await session().scope('Trap about to be taken');
    assert.equal(named(rows, 'cause').value, '8 (system call from user mode)');
    assert.ok(rows.every(({ presentationHint }) => presentationHint?.attributes?.includes('readOnly')));
  });

  it('of a frame that is not there are refused', async () => {
    await session().boot({ functions: ['mappages'] });
    await session().stopped();
    await assert.rejects(session().scopesRequest({ frameId: 99 }), /no stack frame 99/);
  });
});

describe('scopes of optimized code', function () {
  this.timeout(60_000);
  const session = oneSession(async (one) => {
    await one.boot({ functions: ['argfd'] });
    await one.stopped();
  });

  it('say of what is gone that it is, and do not let it be set', async () => {
    const all = (await session().stack()).map(({ id }) => id);
    const found: DebugProtocol.Variable[] = [];
    for (const id of all) {
      for (const { name, variablesReference } of await scopesOf(session(), id))
        if (name === 'Locals' || name === 'Arguments') found.push(...(await session().children(variablesReference)));
    }
    const gone = found.filter(({ value }) => value === '<optimized out>');
    assert.ok(gone.length > 0);
    assert.ok(gone.every(({ presentationHint }) => presentationHint?.attributes?.includes('readOnly')));
  });
});
