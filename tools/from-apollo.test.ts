/** docs/guides/from-apollo.md, typed in; the Apollo that it copies from is another Rollcall. */

import { createServer } from '@rollcall/server';
import { expect, it } from 'vitest';
import { playGuide } from './guide.case.ts';

it('an operator of Apollo can follow the guide', async () => {
  const old = await createServer();
  const publish = async (name: string, body: object) => {
    const answer = await fetch(`${old.url}/rollcall/v1/config/publish?app=orders&name=${name}`, { method: 'POST', body: JSON.stringify(body) });
    expect(answer.status).toBe(200);
  };
  try {
    await publish('application.properties', { content: 'timeout = 5', format: 'properties' });
    await publish('features.yml', { content: 'on: true', format: 'yaml' });
    expect(await playGuide('docs/guides/from-apollo.md', { 'http://apollo.example:8080': old.url })).toBeGreaterThanOrEqual(4);
  } finally {
    await old.close();
  }
});
