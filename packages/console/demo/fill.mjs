/**
 * Fills a registry for pictures and for trying the console by hand: services with a few faults, keys, configurations with a rollout and a proposal,
 * flags, locks, clients that call each other, and namespaces. It only adds; begin with an empty registry.
 */

import { connect } from '@rollcall/client';

/**
 * @param {string} url of the server, which has no access control
 * @returns {Promise<() => Promise<void>>} ends the clients, which hold the locks
 */
export async function fill(url) {
  const ask = async (method, path, body) => {
    const response = await fetch(`${url}${path}`, { method, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };

  for (const [service, count, port, tags] of services) {
    for (let n = 0; n < count; n++) {
      const zone = zones[n % zones.length];
      const node = `${zone}-host-${1 + (Math.floor(n / zones.length) % 4)}`;
      const id = `${service}-${n + 1}`;
      const status = faults[id] ?? 'passing';
      await ask('PUT', '/v1/catalog/register', {
        Node: node,
        Address: `10.0.${zones.indexOf(zone)}.${10 + Math.floor(n / zones.length)}`,
        Service: { ID: id, Service: service, Address: `10.0.${zones.indexOf(zone)}.${10 + Math.floor(n / zones.length)}`, Port: port, Tags: tags, Meta: { version: n % 5 === 4 ? '2.4.1' : '2.4.0', team: teams[service] ?? 'platform' }, Locality: { Region: 'eu-central', Zone: zone } },
        Check: { Node: node, CheckID: `service:${id}`, Name: `${service} answers`, ServiceID: id, Status: status, Output: outputs[status] },
      });
    }
  }
  await ask('PUT', '/v1/catalog/register', { Node: 'eu-b-host-4', Address: '10.0.1.13', Check: { Node: 'eu-b-host-4', CheckID: 'disk', Name: 'free disk space', Status: 'critical', Output: '/var is 97 % full' } });

  for (const [key, value] of keys) await ask('PUT', `/v1/kv/${key}`, value);

  const config = (app, name) => `app=${app}&name=${encodeURIComponent(name)}`;
  for (const [app, name, format, content] of configurations) await ask('POST', `/rollcall/v1/config/publish?${config(app, name)}&by=ada`, { content, format, message: 'first release' });
  await ask('POST', `/rollcall/v1/config/publish?${config('checkout', 'settings')}&by=grace`, { content: configurations[0][3].replace('timeoutMs: 800', 'timeoutMs: 1200'), format: 'yaml', message: 'more time for slow banks', rollout: { name: 'slow-banks', plan: { stages: [{ percent: 10, bakeMs: 1_800_000 }, { percent: 50, bakeMs: 1_800_000 }] } } });
  const { revision } = await ask('POST', `/rollcall/v1/config/draft/save?${config('search', 'ranking')}&by=linus`, { content: '{ "boostNew": 2.5, "pageSize": 30 }', format: 'json' });
  await ask('POST', `/rollcall/v1/config/propose?${config('search', 'ranking')}&by=linus`, { draft: revision, message: 'newer things first' });

  for (const name of ['team-payments', 'team-search']) await ask('PUT', '/v1/namespace', { Name: name });

  const clients = await Promise.all(callers.map(({ name }) => connect({ servers: [url], name })));
  for (const [n, { service }] of callers.entries()) if (service !== undefined) await clients[n]?.register({ service, port: 8090 });
  const called = await Promise.all(clients.flatMap((client, n) => (callers[n]?.calls ?? []).map(async (service) => {
    const watched = client.service(service);
    await watched.instances();
    return watched;
  })));
  for (const [n, name] of ['jobs/invoices', 'jobs/mail', 'leader/scheduler'].entries()) await clients[n]?.lock(name, { value: callers[n]?.name ?? '' });
  // One waits for a lock that another holds, until its client ends.
  clients[3]?.lock('leader/scheduler', { value: 'payments-7' }).catch(() => {});
  const calling = setInterval(() => {
    for (const service of called) {
      try {
        service.pick().done();
      } catch {
        // No instance gets traffic.
      }
    }
  }, 50);
  return async () => {
    clearInterval(calling);
    await Promise.all(clients.map((client) => client.close()));
  };
}

/** Clients, the service of each, and the services that they call. @type {readonly { readonly name: string, readonly service?: string, readonly calls: readonly string[] }[]} */
const callers = [
  { name: 'web-frontend', calls: ['web', 'checkout', 'search', 'images'] },
  { name: 'checkout-10', service: 'checkout', calls: ['payments', 'postgres', 'mail'] },
  { name: 'search-13', service: 'search', calls: ['postgres'] },
  { name: 'payments-7', service: 'payments', calls: ['ledger'] },
];

const zones = ['eu-a', 'eu-b', 'eu-c'];
/** @type {Readonly<Record<string, string>>} */
const teams = { checkout: 'payments', payments: 'payments', ledger: 'payments', search: 'search' };
/** Name, instances, port and tags. @type {readonly [string, number, number, readonly string[]][]} */
const services = [
  ['web', 24, 8080, ['http', 'v2']],
  ['checkout', 9, 8081, ['http']],
  ['payments', 6, 8082, ['grpc']],
  ['ledger', 3, 8083, ['grpc', 'primary']],
  ['search', 12, 8084, ['http', 'v2']],
  ['mail', 2, 8085, ['smtp']],
  ['images', 8, 8086, ['http']],
  ['postgres', 3, 5432, ['primary']],
];
/** @type {Readonly<Record<string, 'critical' | 'warning'>>} */
const faults = { 'web-7': 'critical', 'web-12': 'warning', 'mail-1': 'critical', 'mail-2': 'critical', 'search-3': 'warning', 'postgres-2': 'critical' };
const outputs = { passing: '200 OK in 12 ms', warning: '200 OK in 1,840 ms', critical: 'connection refused' };
const keys = [
  ['shop/banner', 'Summer sale: 20 % on everything'],
  ['shop/limits/cart', '50'],
  ['shop/limits/upload', '10485760'],
  ['mail/sender', 'hello@shop.example'],
  ['feature/new-search', 'true'],
];
const flags = JSON.stringify({ flags: { 'new-checkout': { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off', targeting: { fractional: [['on', 10], ['off', 90]] } } } }, undefined, 2);
const configurations = [
  ['checkout', 'settings', 'yaml', 'payment:\n  timeoutMs: 800\n  retries: 2\n  currency: EUR\ncart:\n  itemsMax: 50\n'],
  ['search', 'ranking', 'json', '{ "boostNew": 1.2, "pageSize": 20 }'],
  ['web', 'application', 'properties', 'log.level=info\npool.size=20\ntheme=light\n'],
  ['shop', 'features.flags.json', 'flags', flags],
];
