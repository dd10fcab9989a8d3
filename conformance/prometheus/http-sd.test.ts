/**
 * Prometheus and vmagent, unmodified, discover their targets here by `http_sd_configs`: the instances of any protocol with their labels,
 * later changes, and what a token may see; and they keep their targets while the registry answers with an error or not at all.
 *
 * Prometheus is Debian's, or the one that `ROLLCALL_PROMETHEUS` names; it applies new targets every 5 seconds only, so this test takes long.
 */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, memory, type Server } from '@rollcall/server';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort } from '../free-ports.mjs';

interface Scraper {
  readonly name: string;
  readonly program: string;
  readonly args: (files: { config: string; data: string; port: number }) => readonly string[];
  /** Added to each discovery, indented. */
  readonly extra: string;
}

const scrapers: readonly Scraper[] = [
  {
    name: 'Prometheus',
    program: process.env['ROLLCALL_PROMETHEUS'] ?? 'prometheus',
    extra: '\n        refresh_interval: 1s',
    args: ({ config, data, port }) => [`--config.file=${config}`, `--storage.tsdb.path=${data}`, `--web.listen-address=127.0.0.1:${port}`],
  },
  {
    name: 'vmagent',
    program: 'vmagent',
    extra: '',
    args: ({ config, data, port }) => [
      `-promscrape.config=${config}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-promscrape.httpSDCheckInterval=1s',
      // It does not start without an address for samples; no server listens there.
      '-remoteWrite.url=http://127.0.0.1:9/',
      `-remoteWrite.tmpDataPath=${data}`,
    ],
  },
];

interface Target {
  readonly discoveredLabels: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly health: string;
}

const management = '5d8f3a1e-0000-4000-8000-000000000001';

describe.each(scrapers)('$name', ({ program, args, extra }) => {
  const isMissing = spawnSync(program, ['--help']).error !== undefined;
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-http-sd-'));
  let server: Server;
  /** With access control. */
  let secured: Server;
  let scraper: ChildProcess | undefined;
  let api: string;
  let log = '';

  beforeAll(async () => {
    if (isMissing) return;
    server = await createServer({ engine: memory(), nodeName: 'server-1' });
    secured = await createServer({ engine: memory(), nodeName: 'server-2', acl: { initialManagement: management } });
    await register('web-1', ['metrics', 'blue']);
    const token = await tokenOf('service "web" { policy = "read" }');
    const port = await freePort();
    api = `http://127.0.0.1:${port}`;
    const config = join(folder, 'config.yml');
    writeFileSync(config, configuration({ open: server.ports.http, secured: secured.ports.http, token, extra }));
    scraper = spawn(program, args({ config, data: join(folder, 'data'), port }), { stdio: ['ignore', 'ignore', 'pipe'] });
    scraper.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  });

  afterAll(async () => {
    if (scraper !== undefined && scraper.exitCode === null) {
      scraper.kill('SIGKILL');
      await once(scraper, 'exit');
    }
    await Promise.all([server?.close(), secured?.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const whyMissing = `${program} is not installed; \`node conformance/install-debian.mjs\` installs it on Debian`;

  async function put(path: string, body: unknown = {}, { url } = server): Promise<unknown> {
    const response = await fetch(url + path, { method: 'PUT', headers: { 'X-Consul-Token': management }, body: JSON.stringify(body) });
    expect(response.status).toBe(200);
    const text = await response.text();
    return text === '' ? undefined : JSON.parse(text);
  }

  async function tokenOf(Rules: string): Promise<string> {
    await put('/v1/acl/policy', { Name: 'scraper', Rules }, secured);
    return ((await put('/v1/acl/token', { Policies: [{ Name: 'scraper' }] }, secured)) as { SecretID: string }).SecretID;
  }

  /** web-1 is the registry itself, which serves /metrics. Targets of one address would be one target. */
  async function register(id: `web-${number}`, tags: readonly string[], at = server): Promise<void> {
    const place = { Address: `127.0.0.${id.slice('web-'.length)}`, Port: server.ports.http };
    await put('/v1/agent/service/register', { ID: id, Name: 'web', Tags: tags, Meta: { team: 'core' }, ...place }, at);
  }

  /** The targets of a job, once they are the instances of these ids. */
  function targets(job: string, ids: readonly string[]): Promise<readonly Target[]> {
    return vi.waitFor(
      async () => {
        expect(scraper?.exitCode, log).toBe(null);
        const response = await fetch(`${api}/api/v1/targets?state=active`);
        const { data } = (await response.json()) as { data: { activeTargets: Target[] } };
        const found = data.activeTargets.filter(({ labels }) => labels['job'] === job);
        expect(found.map(({ discoveredLabels }) => discoveredLabels['__meta_rollcall_id']).sort()).toEqual(ids);
        return found;
      },
      { timeout: 60_000, interval: 100 },
    );
  }

  test('discovers registered instances with their labels, and scrapes them', async ({ skip }) => {
    skip(isMissing, whyMissing);
    const [web] = await targets('tagged', ['web-1']);
    expect(web?.discoveredLabels).toMatchObject({
      __address__: `127.0.0.1:${server.ports.http}`,
      __meta_rollcall_namespace: 'default',
      __meta_rollcall_service: 'web',
      __meta_rollcall_node: 'server-1',
      __meta_rollcall_id: 'web-1',
      __meta_rollcall_status: 'passing',
      __meta_rollcall_tags: ',metrics,blue,',
      __meta_rollcall_meta_team: 'core',
    });
    expect(web?.labels['service']).toBe('web');
    await vi.waitFor(async () => expect((await targets('tagged', ['web-1']))[0]?.health).toBe('up'), 30_000);
  });

  test('follows new and removed instances, and selects by service, tag and filter', async ({ skip }) => {
    skip(isMissing, whyMissing);
    await register('web-2', ['quiet']);
    await register('web-3', ['metrics']);
    await Promise.all([targets('all', ['web-1', 'web-2', 'web-3']), targets('tagged', ['web-1', 'web-3']), targets('filtered', ['web-2'])]);
    await put('/v1/agent/service/deregister/web-2');
    await Promise.all([targets('all', ['web-1', 'web-3']), targets('filtered', [])]);
  });

  test('sees with a token what its rules allow', async ({ skip }) => {
    skip(isMissing, whyMissing);
    await register('web-4', [], secured);
    await put('/v1/agent/service/register', { ID: 'db-1', Name: 'db', Address: '127.0.0.5', Port: 1 }, secured);
    await Promise.all([targets('bearer', ['web-4']), targets('basic', ['web-4'])]);
  });

  test('keeps its targets while it gets an error, and while the registry does not answer', async ({ skip }) => {
    skip(isMissing, whyMissing);
    await targets('all', ['web-1', 'web-3']);
    // The token of both jobs is no token any more: 401.
    const tokens = (await (await fetch(`${secured.url}/v1/acl/tokens`, { headers: { 'X-Consul-Token': management } })).json()) as { AccessorID: string; Policies?: { Name: string }[] }[];
    const own = tokens.find(({ Policies }) => Policies?.[0]?.Name === 'scraper');
    await fetch(`${secured.url}/v1/acl/token/${own?.AccessorID}`, { method: 'DELETE', headers: { 'X-Consul-Token': management } });
    await server.close();
    // Both scrapers have tried in vain, more than once, when their log names both.
    await vi.waitFor(() => expect(failures(log)).toBeGreaterThanOrEqual(8), { timeout: 60_000, interval: 100 });
    await Promise.all([targets('all', ['web-1', 'web-3']), targets('bearer', ['web-4']), targets('basic', ['web-4'])]);
  });
});

/** Complaints of a scraper about discovery. */
function failures(log: string): number {
  return log.split('\n').filter((line) => /(?:level=error|\terror\t)/i.test(line) && /prometheus\/v1\/sd|refresh|http_sd/i.test(line)).length;
}

function configuration({ open, secured, token, extra }: { open: number; secured: number; token: string; extra: string }): string {
  const job = (name: string, port: number, query: string, more = '') => `
  - job_name: ${name}
    http_sd_configs:
      - url: 'http://127.0.0.1:${port}/prometheus/v1/sd${query}'
${extra}${more}
    relabel_configs:
      - source_labels: [__meta_rollcall_service]
        target_label: service
`;
  return `
global:
  scrape_interval: 1s
scrape_configs:${job('all', open, '?service=web')}${job('tagged', open, '?service=web&tag=metrics')}${job('filtered', open, `?filter=${encodeURIComponent('"quiet" in tags')}`)}${job('bearer', secured, '', `
        authorization: { type: Bearer, credentials: ${token} }`)}${job('basic', secured, '?namespace=default', `
        basic_auth: { username: any, password: ${token} }`)}`;
}
