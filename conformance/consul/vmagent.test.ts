/**
 * vmagent of Debian's `victoria-metrics`, unmodified, discovers its targets here by Prometheus'
 * `consul_sd_configs`, with its own implementation of Consul's API. It stands in for Debian's
 * Prometheus, which is built without Consul discovery (see `prometheus.test.ts`).
 */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from '@rollcall/server';
import { afterAll, beforeAll, describe, expect, it, vi, type TestContext } from 'vitest';
import { freePort } from '../free-ports.mjs';

const missing = spawnSync('vmagent', ['-version']).error !== undefined;

interface Target {
  readonly discoveredLabels: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly health: string;
}

describe('vmagent', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-vmagent-'));
  let server: Server;
  /** With access control. */
  let secured: Server;
  let vmagent: ChildProcess | undefined;
  let api: string;
  let log = '';

  beforeAll(async () => {
    if (missing) return;
    server = await createServer({ nodeName: 'server-1' });
    await register('web-1', ['metrics', 'blue']);
    secured = await createServer({ nodeName: 'server-2', acl: { initialManagement: management } });
    const reader = await tokenOf('agent_prefix "" { policy = "read" } node_prefix "" { policy = "read" } service "web" { policy = "read" }');
    const port = await freePort();
    api = `http://127.0.0.1:${port}`;
    writeFileSync(join(folder, 'scrape.yml'), scrapeConfig(server.ports.http) + securedConfig(secured.ports.http, reader));
    vmagent = spawn(
      'vmagent',
      [
        `-promscrape.config=${join(folder, 'scrape.yml')}`,
        `-httpListenAddr=127.0.0.1:${port}`,
        '-promscrape.consulSDCheckInterval=1s',
        // It does not start without an address for samples; no server listens there.
        '-remoteWrite.url=http://127.0.0.1:9/',
        `-remoteWrite.tmpDataPath=${folder}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    vmagent.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  });

  afterAll(async () => {
    if (vmagent !== undefined && vmagent.exitCode === null) {
      vmagent.kill('SIGKILL');
      await once(vmagent, 'exit');
    }
    await Promise.all([server?.close(), secured?.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  function needsIt({ skip }: TestContext): void {
    skip(missing, 'vmagent is not installed; `node conformance/install-debian.mjs` installs it on Debian');
  }

  async function put(path: string, body?: unknown, { url } = server): Promise<unknown> {
    const headers = { 'X-Consul-Token': management };
    const response = await fetch(url + path, { method: 'PUT', headers, body: JSON.stringify(body ?? {}) });
    expect(response.status).toBe(200);
    const text = await response.text();
    return text === '' ? undefined : JSON.parse(text);
  }

  /** The secret of a new token that has these rules. */
  async function tokenOf(Rules: string): Promise<string> {
    await put('/v1/acl/policy', { Name: 'scraper', Rules }, secured);
    const { SecretID } = (await put('/v1/acl/token', { Policies: [{ Name: 'scraper' }] }, secured)) as { SecretID: string };
    return SecretID;
  }

  /** web-1 is the registry itself, which serves /metrics. Targets of one address would be one target. */
  async function register(id: `web-${number}`, tags: readonly string[]): Promise<void> {
    const place = { Address: `127.0.0.${id.slice('web-'.length)}`, Port: server.ports.http };
    await put('/v1/agent/service/register', { ID: id, Name: 'web', Tags: tags, Meta: { team: 'core' }, ...place });
  }

  /** The targets of a job, once they are the instances of these ids. */
  function targets(job: string, ids: readonly string[]): Promise<readonly Target[]> {
    return vi.waitFor(
      async () => {
        expect(vmagent?.exitCode, log).toBe(null);
        const response = await fetch(`${api}/api/v1/targets?state=active`);
        const { data } = (await response.json()) as { data: { activeTargets: Target[] } };
        const found = data.activeTargets.filter(({ labels }) => labels['job'] === job);
        expect(found.map(({ discoveredLabels }) => discoveredLabels['__meta_consul_service_id']).sort()).toEqual(ids);
        return found;
      },
      { timeout: 40_000, interval: 100 },
    );
  }

  it('discovers registered instances, with Consul’s labels, and scrapes them', async (context) => {
    needsIt(context);
    const [web] = await targets('tagged', ['web-1']);
    expect(web?.discoveredLabels).toMatchObject({
      __address__: `127.0.0.1:${server.ports.http}`,
      __meta_consul_dc: 'dc1',
      __meta_consul_health: 'passing',
      __meta_consul_node: 'server-1',
      __meta_consul_service: 'web',
      __meta_consul_service_metadata_team: 'core',
      __meta_consul_service_port: String(server.ports.http),
      __meta_consul_tags: ',metrics,blue,',
    });
    await vi.waitFor(async () => expect((await targets('tagged', ['web-1']))[0]?.health).toBe('up'), 20_000);
  });

  it('follows new and removed instances, and selects by tag', async (context) => {
    needsIt(context);
    await register('web-2', ['quiet']);
    await register('web-3', ['metrics']);
    await targets('tagged', ['web-1', 'web-3']);
    await targets('all', ['web-1', 'web-2', 'web-3']);
    await put('/v1/agent/service/deregister/web-1');
    await put('/v1/agent/service/deregister/web-2');
    await targets('tagged', ['web-3']);
    await targets('all', ['web-3']);
    await put('/v1/agent/service/deregister/web-3');
    await targets('all', []);
    expect(complaints().filter((line) => !line.includes(stranger))).toEqual([]);
  });

  it('sees with a token what its rules allow, and nothing with a wrong token', async (context) => {
    needsIt(context);
    const own = (Name: string, Address: string) => put('/v1/agent/service/register', { Name, ID: Name, Address, Port: 1 }, secured);
    await own('web', '127.0.0.8');
    await own('db', '127.0.0.9');
    await targets('token', ['web']);
    await targets('refused', []);
    expect(complaints().some((line) => line.includes(stranger))).toBe(true);
  });

  function complaints(): string[] {
    return log.split('\n').filter((line) => /\t(error|warn)\t/.test(line) && /consul/i.test(line));
  }
});

const management = '5d8f3a1e-0000-4000-8000-000000000001';
/** Distinguishes its complaints from those of others. */
const stranger = 'stranger';

function scrapeConfig(port: number): string {
  return `
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: tagged
    consul_sd_configs:
      - server: 127.0.0.1:${port}
        tags: [metrics]
  - job_name: all
    consul_sd_configs:
      - server: 127.0.0.1:${port}
        services: [web]
        allow_stale: false
`;
}

/** By a good token, and by an unknown one. */
function securedConfig(port: number, token: string): string {
  return `
  - job_name: token
    consul_sd_configs:
      - server: 127.0.0.1:${port}
        token: ${token}
  - job_name: refused
    consul_sd_configs:
      - server: 127.0.0.1:${port}
        datacenter: dc1
        node_meta: { ${stranger}: x }
        token: 5d8f3a1e-0000-4000-8000-000000000099
`;
}
