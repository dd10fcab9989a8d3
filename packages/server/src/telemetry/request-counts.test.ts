/** Requests are counted by route and status, and a scrape shows the counts each time. */

import { expect, test } from 'vitest';
import { Metrics } from './metrics.ts';

test('a scrape shows how many requests of each route had each status, also the second time', async () => {
  const metrics = new Metrics();
  const scraped = async () => {
    const lines = (await metrics.registry.metrics()).split('\n');
    return lines.filter((line) => line.startsWith('rollcall_http_requests_total'));
  };
  expect(await scraped()).toEqual([]);
  metrics.request('/v1/kv/:key', 200);
  metrics.request('/v1/kv/:key', 404);
  metrics.request('/v1/kv/:key', 200);
  metrics.request('/healthz', 200);
  expect(await scraped()).toEqual([
    'rollcall_http_requests_total{route="/v1/kv/:key",status="200"} 2',
    'rollcall_http_requests_total{route="/v1/kv/:key",status="404"} 1',
    'rollcall_http_requests_total{route="/healthz",status="200"} 1',
  ]);
  metrics.request('/healthz', 200);
  expect(await scraped()).toContain('rollcall_http_requests_total{route="/healthz",status="200"} 2');
});
