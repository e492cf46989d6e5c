import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { describe, it } from 'mocha';
import { buildName, hasVariables, replaceVariables, resolvePath } from './launch-paths';

describe('paths of a launch configuration', () => {
  it('may name the workspace folder, the home folder and the environment', () => {
    const replaced = (text: string) => replaceVariables(text, '/lab', { LAB: '/labs/$&' });
    assert.equal(replaced('${workspaceFolder}/xv6'), '/lab/xv6');
    assert.equal(replaced('${userHome}/xv6'), `${homedir()}/xv6`);
    assert.equal(replaced('${env:LAB}/${env:LAB}'), '/labs/$&//labs/$&');
  });

  it('leave to VS Code what is not known here', () => {
    const text = '${env:NONE}/${config:lab}/${input:lab}/${workspaceFolder:other}';
    assert.equal(replaceVariables(text, '/lab', {}), text);
    assert.equal(replaceVariables('${workspaceFolder}', undefined), '${workspaceFolder}');
    assert.equal(resolvePath('${config:lab}/fs.img', '/lab'), '${config:lab}/fs.img');
    assert.ok(hasVariables(text) && !hasVariables('/lab/$lab'));
  });

  it('start at the workspace folder, or where they are told to', () => {
    assert.equal(resolvePath('fs.img', '/lab'), '/lab/fs.img');
    assert.equal(resolvePath('fs.img', '/lab', '/lab/xv6'), '/lab/xv6/fs.img');
    assert.equal(resolvePath('/fs.img', '/lab', '/lab/xv6'), '/fs.img');
  });
});

describe('the name of a build', () => {
  it('tells apart two labs of one workspace folder', () => {
    assert.equal(buildName('make', '/lab', '/lab'), 'make');
    assert.equal(buildName('make', undefined, '/lab'), 'make');
    assert.equal(buildName('make', '/lab/pgtbl', '/lab'), 'make (pgtbl)');
    assert.equal(buildName('make', 'pgtbl', '/lab'), 'make (pgtbl)');
    assert.equal(buildName('make', '/labs/xv6', '/lab'), 'make (../labs/xv6)');
  });
});
