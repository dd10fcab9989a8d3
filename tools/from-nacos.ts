/** Types docs/guides/from-nacos.md in, with the ports and the old server of a test. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { freePort } from '../conformance/free-ports.mjs';
import { blocksOf } from './markdown.ts';
import { root } from './source-files.ts';
import { play } from './walkthrough.ts';

/**
 * @param oldUrl of the Nacos that the guide copies from; it gets the configuration that the guide shows
 * @throws Error that names the line of the command that failed
 */
export async function playNacosGuide(oldUrl: string): Promise<void> {
  const blocks = blocksOf(readFileSync(join(root, 'docs/guides/from-nacos.md'), 'utf8')).filter(({ language }) => language === 'sh');
  expect(blocks).toHaveLength(6);
  const [http, nacos] = [await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-guide-'));
  try {
    const published = await fetch(`${oldUrl}/nacos/v1/cs/configs`, { method: 'POST', body: new URLSearchParams({ dataId: 'app.yaml', group: 'DEFAULT_GROUP', content: 'a: 1' }) });
    expect(published.status).toBe(200);
    await play(blocks, {
      folder,
      env: { ...process.env, ROLLCALL_HTTP_ADDR: `127.0.0.1:${http}`, NO_COLOR: '1' },
      replace: {
        'http://nacos.example:8848': oldUrl,
        '127.0.0.1:8500': `127.0.0.1:${http}`,
        '127.0.0.1:8848': `127.0.0.1:${nacos}`,
        'npx rollcall': `'${process.execPath}' '${join(root, 'packages/cli/bin/rollcall.mjs')}'`,
      },
      timeoutMs: 180_000,
      run: (_block, text) => ['bash', '-ec', text],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
