import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { describe, it } from 'mocha';
import { buildName, hasVariables, replaceVariables, resolvePath } from './launch-paths';

describe('paths of a launch configuration', () => {
  it('may name the workspace folder, the home folder and the environment', () => {
    const replaced = (text: string) => replaceVariables(text, '/work', { LAB: '/labs/$&' });
    assert.equal(replaced('${workspaceFolder}/xv6'), '/work/xv6');
    assert.equal(replaced('${userHome}/xv6'), `${homedir()}/xv6`);
    assert.equal(replaced('${env:LAB}/${env:LAB}'), '/labs/$&//labs/$&');
  });

  it('leave to VS Code what is not known here', () => {
    const text = '${env:NONE}/${config:lab}/${input:lab}/${workspaceFolder:other}';
    assert.equal(replaceVariables(text, '/work', {}), text);
    assert.equal(replaceVariables('${workspaceFolder}', undefined), '${workspaceFolder}');
    assert.equal(resolvePath('${config:lab}/fs.img', '/work'), '${config:lab}/fs.img');
    assert.ok(hasVariables(text) && !hasVariables('/work/$lab'));
  });

  it('start at the workspace folder, or where they are told to', () => {
    assert.equal(resolvePath('fs.img', '/work'), '/work/fs.img');
    assert.equal(resolvePath('fs.img', '/work', '/work/xv6'), '/work/xv6/fs.img');
    assert.equal(resolvePath('/fs.img', '/work', '/work/xv6'), '/fs.img');
  });
});

describe('the name of a build', () => {
  it('tells apart two labs of one workspace folder', () => {
    assert.equal(buildName('make', '/work', '/work'), 'make');
    assert.equal(buildName('make', undefined, '/work'), 'make');
    assert.equal(buildName('make', '/work/pgtbl', '/work'), 'make (pgtbl)');
    assert.equal(buildName('make', 'pgtbl', '/work'), 'make (pgtbl)');
    assert.equal(buildName('make', '/labs/xv6', '/work'), 'make (../labs/xv6)');
  });
});
