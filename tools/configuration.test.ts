/** docs/concepts/configuration.md, typed in. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort } from '../conformance/free-ports.mjs';
import { blocksOf } from './markdown.ts';
import { root } from './source-files.ts';
import { play } from './walkthrough.ts';

it('a reader can follow the page about configurations', async () => {
  const blocks = blocksOf(readFileSync(join(root, 'docs/concepts/configuration.md'), 'utf8')).filter(({ language }) => language === 'sh');
  expect(blocks).toHaveLength(11);
  const http = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-configuration-'));
  try {
    await play(blocks, {
      folder,
      env: { ...process.env, ROLLCALL_HTTP: `127.0.0.1:${http}`, ROLLCALL_DNS: 'off', ROLLCALL_HTTP_ADDR: `127.0.0.1:${http}`, NO_COLOR: '1' },
      replace: {
        '127.0.0.1:8500': `127.0.0.1:${http}`,
        'npx rollcall': `'${process.execPath}' '${join(root, 'packages/cli/bin/rollcall.mjs')}'`,
      },
      timeoutMs: 180_000,
      run: (_block, text) => ['bash', '-ec', text],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
