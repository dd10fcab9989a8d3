/**
 * Prometheus, unmodified, discovers its targets here by `consul_sd_configs`: all registered instances, with
 * the labels of Consul, and later changes.
 *
 * Debian builds Prometheus without Consul discovery (changelog of 2.33.5+ds1-4), so its package cannot
 * take this test, and `vmagent.test.ts` stands in. This file runs only when `ROLLCALL_PROMETHEUS` names a
 * program that can, such as the one that Prometheus itself publishes. Prometheus applies targets every 5 seconds, so this test
 * takes long.
 */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, memory, type Server } from '@rollcall/server';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort } from '../free-ports.mjs';

const program = process.env['ROLLCALL_PROMETHEUS'] ?? 'prometheus';
const { unable, filters } = await abilities();

test('the program can take the test', () => expect(unable).toBeUndefined());

/** Why `program` cannot take the test, undefined when it can; and whether it supports filters, added in 3.0. */
async function abilities(): Promise<{ unable: string | undefined; filters: boolean }> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-prometheus-'));
  try {
    const file = join(folder, 'probe.yml');
    // An unknown field ends the program; a field that this build does not know is named, too.
    await writeFile(file, 'scrape_configs: [{ job_name: probe, consul_sd_configs: [{ filter: x }], no_such_field: 1 }]');
    const args = [`--config.file=${file}`, `--storage.tsdb.path=${folder}`, '--web.listen-address=127.0.0.1:0'];
    const { error, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000 });
    const because = (why: string) => ({ unable: `${program} ${why}; ROLLCALL_PROMETHEUS names another`, filters: false });
    if (error !== undefined) return because(`cannot be run (${error.message})`);
    if (stderr.includes('field consul_sd_configs not found')) return because("was built without Consul discovery, as Debian's is");
    return { unable: undefined, filters: !stderr.includes('field filter not found') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const management = '5d8f3a1e-0000-4000-8000-000000000001';

interface Target {
  readonly discoveredLabels: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly health: string;
}

describe.runIf(unable === undefined)('consul_sd_configs', () => {
  let server: Server;
  /** With access control. */
  let secured: Server;
  /** The secret of a token that may read nodes and the service `web`. */
  let reader: string;
  let folder: string;
  let prometheus: ChildProcess;
  /** Rejects when Prometheus ends before it is told to. */
  let died: Promise<never>;
  let api: string;
  const exporter = createHttpServer((_request, response) => {
    // Since 3.0, Prometheus reads nothing without a type.
    response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4' }).end('answers_total 42\n');
  });
  let exporterPort: number;
  const log: string[] = [];

  beforeAll(async () => {
    server = await createServer({ engine: memory(), nodeName: 'server-1' });
    exporterPort = await listening(exporter);
    await register('web', 'web-1', ['metrics', 'blue']);
    await register('db', 'db-1', ['quiet']);
    secured = await createServer({ engine: memory(), acl: { initialManagement: management } });
    const Rules = 'agent_prefix "" { policy = "read" } node_prefix "" { policy = "read" } service_prefix "web" { policy = "read" }';
    await putSecured('/v1/acl/policy', { Name: 'scraper', Rules });
    reader = ((await putSecured('/v1/acl/token', { Policies: [{ Name: 'scraper' }] })) as { SecretID: string }).SecretID;
    // Targets of one address would be one target.
    for (const [name, service, rack, Address] of [['a', 'web', 'r1', '127.0.0.1'], ['b', 'web', 'r2', '127.0.0.2'], ['c', 'db', 'r1', '127.0.0.3'], ['d', 'web-admin', 'r2', '127.0.0.4']]) {
      const node = { Node: name, Address, NodeMeta: { rack } };
      await putSecured('/v1/catalog/register', { ...node, Service: { Service: service, ID: `${service}-${name}`, Port: exporterPort } });
    }
    folder = await mkdtemp(join(tmpdir(), 'rollcall-prometheus-'));
    await writeFile(join(folder, 'prometheus.yml'), config());
    const port = await freePort();
    api = `http://127.0.0.1:${port}`;
    prometheus = spawn(
      program,
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    prometheus.stderr?.setEncoding('utf8').on('data', (text: string) => log.push(text));
    died = new Promise((_resolve, reject) => {
      prometheus.once('exit', () => reject(new Error(`prometheus stopped: ${log.join('')}`)));
    });
    died.catch(() => {});
  });

  afterAll(async () => {
    if (prometheus.exitCode === null) {
      const exited = new Promise((resolve) => prometheus.once('exit', resolve));
      prometheus.kill('SIGTERM');
      await exited;
    }
    exporter.close();
    await Promise.all([server.close(), secured.close()]);
    await rm(folder, { recursive: true, force: true });
  });

  /** `tags`, `node_meta` and `filter` select; `secured` sees the part that its token may read. */
  function config(): string {
    return `
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: tagged
    consul_sd_configs:
      - server: 127.0.0.1:${server.ports.http}
        tags: [metrics]
        refresh_interval: 100ms
    relabel_configs:
      - source_labels: [__meta_consul_service]
        target_label: service
      - source_labels: [__meta_consul_node]
        target_label: node
  - job_name: named
    consul_sd_configs:
      - server: 127.0.0.1:${server.ports.http}
        services: [web]
        node_meta: { rack: r1 }
        allow_stale: false
        refresh_interval: 100ms
  - job_name: secured
    consul_sd_configs:
      - server: 127.0.0.1:${secured.ports.http}
        token: ${reader}
        refresh_interval: 100ms
${filters ? filtered() : ''}  - job_name: refused
    consul_sd_configs:
      - server: 127.0.0.1:${secured.ports.http}
        datacenter: dc1
        token: 5d8f3a1e-0000-4000-8000-000000000099
        refresh_interval: 100ms
`;
  }

  const filtered = () => `  - job_name: filtered
    consul_sd_configs:
      - server: 127.0.0.1:${secured.ports.http}
        token: ${reader}
        filter: 'NodeMeta.rack == r1'
        refresh_interval: 100ms
`;

  async function put(path: string, body?: unknown, node?: string): Promise<void> {
    const response = await fetch(`${server.url}${path}`, {
      method: 'PUT',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(node === undefined ? {} : { headers: { 'X-Rollcall-Node': node } }),
    });
    expect(response.status).toBe(200);
  }

  async function putSecured(path: string, body: unknown): Promise<unknown> {
    const headers = { 'X-Consul-Token': management };
    const response = await fetch(`${secured.url}${path}`, { method: 'PUT', headers, body: JSON.stringify(body) });
    expect(response.status).toBe(200);
    return response.json();
  }

  function register(name: string, id: string, tags: string[], node?: string): Promise<void> {
    const service = {
      Name: name,
      ID: id,
      Tags: tags,
      Address: '127.0.0.1',
      Port: exporterPort,
      Meta: { team: 'core' },
      Check: { TTL: '600s', Status: 'passing' },
    };
    return put('/v1/agent/service/register', service, node);
  }

  /** Resolves with the targets of a job once they are as `wanted` says. */
  async function targets(
    job: string,
    wanted: (targets: readonly Target[]) => void,
  ): Promise<readonly Target[]> {
    const reached = vi.waitFor(
      async () => {
        const response = await fetch(`${api}/api/v1/targets?state=active`);
        const { data } = (await response.json()) as { data: { activeTargets: Target[] } };
        const found = data.activeTargets.filter(({ labels }) => labels['job'] === job);
        wanted(found);
        return found;
      },
      { timeout: 40_000, interval: 100 },
    );
    return Promise.race([reached, died]);
  }

  const ids = (found: readonly Target[]) =>
    found.map(({ discoveredLabels }) => discoveredLabels['__meta_consul_service_id']).sort();

  test('discovers registered instances, with Consul’s labels, and scrapes them', async () => {
    const [web] = await targets('tagged', (found) => {
      expect(ids(found)).toEqual(['web-1']);
      expect(found[0]?.health).toBe('up');
    });
    expect(web?.discoveredLabels).toMatchObject({
      __address__: `127.0.0.1:${exporterPort}`,
      __meta_consul_address: '127.0.0.1',
      __meta_consul_dc: 'dc1',
      __meta_consul_health: 'passing',
      __meta_consul_node: 'server-1',
      __meta_consul_service: 'web',
      __meta_consul_service_address: '127.0.0.1',
      __meta_consul_service_id: 'web-1',
      __meta_consul_service_metadata_team: 'core',
      __meta_consul_service_port: String(exporterPort),
      __meta_consul_tagged_address_lan: '127.0.0.1',
      __meta_consul_tags: ',metrics,blue,',
    });
    expect(web?.labels['service']).toBe('web');
  });

  test('follows new instances, and selects by node metadata', async () => {
    await register('api', 'api-1', ['metrics']);
    await register('web', 'web-1', ['metrics'], 'host-b');
    await put('/v1/catalog/register', {
      Node: 'racked',
      Address: '127.0.0.1',
      NodeMeta: { rack: 'r1' },
      Service: { Service: 'web', ID: 'web-r1', Port: exporterPort },
    });
    await targets('tagged', (found) => expect(ids(found)).toEqual(['api-1', 'web-1', 'web-1']));
    const [racked] = await targets('named', (found) => expect(ids(found)).toEqual(['web-r1']));
    expect(racked?.discoveredLabels['__meta_consul_metadata_rack']).toBe('r1');
  });

  test('follows failed and removed instances', async () => {
    await put('/v1/agent/check/fail/service:web-1');
    await put('/v1/agent/service/deregister/api-1');
    await put('/v1/agent/service/deregister/web-1', undefined, 'host-b');
    await put('/v1/catalog/deregister', { Node: 'racked' });
    const [web] = await targets('tagged', (found) => {
      expect(ids(found)).toEqual(['web-1']);
      expect(found[0]?.discoveredLabels['__meta_consul_health']).toBe('critical');
    });
    expect(web?.discoveredLabels['__meta_consul_node']).toBe('server-1');
    await targets('named', (found) => expect(found).toEqual([]));
  });

  test('sees with a token what its rules allow, and nothing with a wrong token', async () => {
    await targets('secured', (found) => expect(ids(found)).toEqual(['web-a', 'web-admin-d', 'web-b']));
    await targets('refused', (found) => expect(found).toEqual([]));
  });

  test('sees of these instances only those that its filter selects', async ({ skip }) => {
    skip(!filters, `${program} is older than 3.0 and knows no filter`);
    // The filter is that of the list of services: it leaves in those with an instance in the rack, and all of their instances.
    await targets('filtered', (found) => expect(ids(found)).toEqual(['web-a', 'web-b']));
  });

  test('no error occurred, except for the invalid token', () => {
    const complaints = log.join('').split('\n').filter((line) => /level=(error|warn)/i.test(line) && /discovery/.test(line));
    expect(complaints.filter((line) => !/refused|403/.test(line))).toEqual([]);
    expect(complaints).not.toEqual([]);
  });
});

async function listening(server: ReturnType<typeof createHttpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
