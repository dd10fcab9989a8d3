/** docs/guides/from-consul.md, typed in: its agents start, and its import copies from a registry that acts as the Consul. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createRegistry } from '@rollcall/server';
import { expect, it } from 'vitest';
import { blocksOf } from './markdown.ts';
import { root } from './source-files.ts';
import { play } from './walkthrough.ts';
import { freePort } from '../conformance/free-ports.mjs';

it('an operator of Consul can follow the guide', async () => {
  const blocks = blocksOf(readFileSync(join(root, 'docs/guides/from-consul.md'), 'utf8')).filter(({ language }) => language === 'sh');
  expect(blocks).toHaveLength(7);
  const [http, other] = [await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-guide-'));
  const consul = await createRegistry();
  try {
    await fetch(`${consul.url}/v1/kv/from/consul`, { method: 'PUT', body: 'copied' });
    await play(blocks, {
      folder,
      env: { ...process.env, ROLLCALL_HTTP_ADDR: `127.0.0.1:${http}`, NO_COLOR: '1' },
      replace: {
        'http://consul.example:8500': consul.url,
        '127.0.0.1:8500': `127.0.0.1:${http}`,
        'http-port=8500': `http-port=${http}`,
        '127.0.0.1:8080': `127.0.0.1:${other}`,
        'http-port=8080': `http-port=${other}`,
        'npx rollcall': `'${process.execPath}' '${join(root, 'packages/cli/bin/rollcall.mjs')}'`,
      },
      timeoutMs: 180_000,
      run: (_block, text) => ['bash', '-ec', text],
    });
  } finally {
    await consul.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
