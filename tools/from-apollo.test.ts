/** docs/guides/from-apollo.md, typed in; the Apollo that it copies from is another Rollcall, and the archive of its portal has the portal's form. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from '@rollcall/server';
import { zipSync } from 'fflate';
import { expect, it } from 'vitest';
import { playGuide } from './guide.case.ts';

it('an operator of Apollo can follow the guide', async () => {
  const old = await createServer();
  const publish = async (name: string, body: object) => {
    const answer = await fetch(`${old.url}/rollcall/v1/config/publish?app=orders&name=${name}`, { method: 'POST', body: JSON.stringify(body) });
    expect(answer.status).toBe(200);
  };
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-portal-'));
  const archive = join(folder, 'apollo_config_export.zip');
  const items = [{ key: 'currency', value: 'EUR', type: 0, lineNum: 1 }];
  writeFileSync(archive, zipSync({ 'apollo/payments/PRO/payments+default+application.properties': new TextEncoder().encode(JSON.stringify(items)) }));
  try {
    await publish('application.properties', { content: 'timeout = 5', format: 'properties' });
    await publish('features.yml', { content: 'on: true', format: 'yaml' });
    expect(await playGuide('docs/guides/from-apollo.md', { 'http://apollo.example:8080': old.url, 'apollo_config_export.zip': archive })).toBe(6);
  } finally {
    await old.close();
    rmSync(folder, { recursive: true });
  }
});
