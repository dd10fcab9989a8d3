/** docs/reference/metrics.md and the metrics of a real server have the same entries. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer, type Server } from '../../server.ts';

const sources = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(new URL('../../../../../docs/reference/metrics.md', import.meta.url), 'utf8');

interface Documented {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly linuxOnly: boolean;
}

const documented: Documented[] = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| ([^|]*)\| (.*) \|$/gm)].map(
  ([, name = '', type = '', labels = '', meaning = '']) => ({
    name,
    type,
    labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label),
    linuxOnly: meaning.includes('(Linux only)'),
  }),
);

let scrape: string;
let server: Server;

beforeAll(async () => {
  server = await createServer({ acl: { initialManagement: 'root' }, eureka: {}, nacos: { port: 0 }, grpc: {}, zookeeper: { port: 0 } });
  const headers = { Authorization: 'Bearer root' };
  await (await fetch(`${server.url}/v1/catalog/services`, { headers })).text();
  await (await fetch(`${server.url}/v1/kv/secret`)).text();
  // The first scrape is itself a request that the second one counts.
  for (let scrapes = 1; scrapes <= 2; scrapes++) scrape = await (await fetch(`${server.url}/metrics`, { headers })).text();
});
afterAll(() => server.close());

describe('the page of metrics', () => {
  it('lists every metric of a scrape with its type, and no other', () => {
    const expected = documented
      .filter(({ linuxOnly }) => !linuxOnly || process.platform === 'linux')
      .map(({ name, type }) => `${name} ${type}`);
    const real = [...scrape.matchAll(/^# TYPE (\w+ \w+)$/gm)].map((line) => line[1]);
    expect(real.toSorted()).toEqual(expected.toSorted());
  });

  it('lists every metric that a source names, also those that need some option', () => {
    const pages = page + readFileSync(join(sources, 'frontend/dns/README.md'), 'utf8');
    const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((file) => /(?<!\.test|\.case)\.ts$/.test(file));
    const named = files.flatMap((file) => Array.from(readFileSync(join(sources, file), 'utf8').matchAll(/'(rollcall_[a-z0-9_]+)'/g), ([, name = '']) => name));
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter((name) => !pages.includes(`\`${name}\``))).toEqual([]);
  });

  it('has the values of past events', () => {
    // The two queries above, and the registration of the server's own service when it started.
    expect(scrape).toMatch(/^rollcall_registry_query_duration_seconds_count 2$/m);
    expect(scrape).toMatch(/^rollcall_commit_duration_seconds_count [1-9]/m);
    expect(scrape).toMatch(/^rollcall_apply_lag_seconds_count [1-9]/m);
    expect(scrape).toMatch(/^rollcall_commands_total [1-9]/m);
    expect(scrape).toMatch(/^rollcall_http_requests_total\{route="\/metrics",status="200"\} 1$/m);
    expect(scrape).toMatch(/^rollcall_acl_denied_total\{namespace="default",resource="key",verb="read"\} 1$/m);
    expect(scrape).toMatch(/^rollcall_availability_ratio 1$/m);
  });

  it('declares the labels of every sample', () => {
    const labelsOf = new Map(documented.map(({ name, labels }) => [name, labels]));
    for (const [, sample = '', labels = ''] of scrape.matchAll(/^(\w+)\{([^}]*)\} /gm)) {
      const name = labelsOf.has(sample) ? sample : sample.replace(/_(bucket|sum|count)$/, '');
      const names = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label).filter((each) => each !== 'le');
      expect([name, names.toSorted()]).toEqual([name, labelsOf.get(name)?.toSorted()]);
    }
  });

});
