/** The form of every source file; and the check finds a badly formed one. */

import { describe, expect, it } from 'vitest';
import { checkForm } from './file-form.ts';
import { sourceFiles } from './source-files.ts';

describe('the sources', () => {
  const folders = ['packages', 'tools', 'bench', 'conformance', 'examples'];

  it('have an opening comment, a kebab-case name and a bearable length', () => {
    const exempt = (path: string) => path.endsWith('.generated.ts') || path === 'tools/file-form.ts';
    const files = sourceFiles(folders, ['.ts', '.mjs']).filter(({ path }) => !exempt(path));
    expect(files.length).toBeGreaterThan(50);
    expect(files.flatMap(checkForm)).toEqual([]);
  });
});

describe('the check', () => {
  const opening = '/** What it is for. */\n';
  const later = ['TO', 'DO'].join('');
  it.each([
    ['packages/a/src/WheelTimer.ts', opening, 'kebab-case'],
    ['packages/a/src/time-utils.ts', opening, 'name the concept'],
    ['packages/a/src/common/wheel.ts', opening, 'name the concept'],
    ['packages/a/src/wheel.ts', 'export const one = 1;\n', 'open with a comment'],
    ['packages/a/src/wheel.ts', opening + '\n'.repeat(350), 'the limit is 350'],
    ['packages/a/src/wheel.test.ts', opening + '\n'.repeat(600), 'the limit is 600'],
    ['packages/a/src/index.ts', `${opening}export * from './wheel.ts';\n`, 'list the names'],
    ['packages/a/src/wheel.ts', `${opening}// ${later}: tidy up\n`, 'line 2'],
  ])('finds what is wrong with %s', (path, text, message) => {
    const found = checkForm({ path, text });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
  });

  it('passes a good file, an executable one and a long test', () => {
    expect(checkForm({ path: 'packages/a/src/timing-wheel.ts', text: opening + '\n'.repeat(349) })).toEqual([]);
    expect(checkForm({ path: 'packages/a/bin/rollcall.mjs', text: `#!/usr/bin/env node\n${opening}` })).toEqual([]);
    expect(checkForm({ path: 'packages/a/src/engine.case.ts', text: opening + '\n'.repeat(599) })).toEqual([]);
  });
});
