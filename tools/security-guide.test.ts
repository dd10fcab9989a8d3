/** The guide to a secured registry, typed from the first command to the last. Needs the built packages. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { blocksOf } from './markdown.ts';
import { root } from './source-files.ts';
import { play } from './walkthrough.ts';
import { freePort } from '../conformance/free-ports.mjs';

it('an operator can follow the guide to security', async () => {
  const blocks = blocksOf(readFileSync(join(root, 'docs/guides/security.md'), 'utf8')).filter(({ language }) => language === 'sh');
  expect(blocks).toHaveLength(10);
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-guide-'));
  const [https, web] = [await freePort(), await freePort()];
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('ROLLCALL_'));
  try {
    await play(blocks, {
      folder,
      env: { ...Object.fromEntries(inherited), NO_COLOR: '1' },
      replace: { '8501': String(https), '8080': String(web), 'npx rollcall': `node ${join(root, 'packages/cli/bin/rollcall.mjs')}` },
      timeoutMs: 180_000,
      run: (_block, text) => ['bash', '-ec', text],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
