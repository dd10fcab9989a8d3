/** docs/guides/from-nacos.md, typed in; the Nacos that it copies from is another Rollcall with a configuration in it. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from '@rollcall/server';
import { expect, it } from 'vitest';
import { blocksOf } from './markdown.ts';
import { root } from './source-files.ts';
import { play } from './walkthrough.ts';
import { freePort } from './free-port.ts';

it('an operator of Nacos can follow the guide', async () => {
  const blocks = blocksOf(readFileSync(join(root, 'docs/guides/from-nacos.md'), 'utf8')).filter(({ language }) => language === 'sh');
  expect(blocks).toHaveLength(6);
  const [http, nacos] = [await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-guide-'));
  const old = await createServer();
  try {
    const published = await fetch(`${old.url}/nacos/v1/cs/configs`, { method: 'POST', body: new URLSearchParams({ dataId: 'app.yaml', group: 'DEFAULT_GROUP', content: 'a: 1' }) });
    expect(published.status).toBe(200);
    await play(blocks, {
      folder,
      env: { ...process.env, ROLLCALL_HTTP_ADDR: `127.0.0.1:${http}`, NO_COLOR: '1' },
      replace: {
        'http://nacos.example:8848': old.url,
        '127.0.0.1:8500': `127.0.0.1:${http}`,
        '127.0.0.1:8848': `127.0.0.1:${nacos}`,
        'npx rollcall': `'${process.execPath}' '${join(root, 'packages/cli/bin/rollcall.mjs')}'`,
      },
      timeoutMs: 60_000,
      run: (_block, text) => ['bash', '-ec', text],
    });
  } finally {
    await old.close();
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
