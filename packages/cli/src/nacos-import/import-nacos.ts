/**
 * Copies namespaces, configurations and services from a Nacos, by the API that a Rollcall has in common with it. A configuration becomes
 * equal to that of the source. Instances that exist here are not changed, since their programs may have registered already.
 */

import { eachOf, Refusal } from '../import/http-api.ts';
import { write, type Kind, type NacosRun } from './nacos-api.ts';
import type { ConfigName, Instance, Namespace, Service, ServiceName, Source } from './source.ts';

export interface ImportOptions {
  readonly source: Source;
  /** Copies instances that live by heartbeats or a connection, too. */
  readonly ephemeral: boolean;
}

/** Configurations or services that are read and written at the same time. */
const atOnce = 8;

export async function importNacos(run: NacosRun, options: ImportOptions): Promise<void> {
  const { source } = options;
  const here = new Set((await run.to.read<{ readonly namespace: string }[]>('/v3/admin/core/namespace/list')).map(({ namespace }) => namespace));
  for (const namespace of await source.namespaces()) {
    if (!here.has(namespace.id) && !(await run.copy('namespaces', namespace.id, () => createNamespace(run, namespace)))) continue;
    if (here.has(namespace.id) && namespace.id !== 'public') run.keep('namespaces');
    const names: ConfigName[] = [];
    for await (const name of source.configs(namespace.id)) names.push(name);
    await eachOf(names, atOnce, (name) => reported(run, 'configurations', () => importConfig(run, source, namespace.id, name)));
    const services: ServiceName[] = [];
    for await (const name of source.services(namespace.id)) services.push(name);
    await eachOf(services, atOnce, (name) => reported(run, 'services', () => importService(run, options, namespace.id, name)));
  }
}

/** A question that either side refuses fails its entry, and not the import. */
async function reported(run: NacosRun, kind: Kind, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    run.report.failed.push({ kind, reason: error.message });
  }
}

function createNamespace(run: NacosRun, { id, name, description }: Namespace): Promise<string> {
  return write(run, 'POST', '/v3/admin/core/namespace', { namespaceId: id, namespaceName: name, namespaceDesc: description });
}

async function importConfig(run: NacosRun, source: Source, namespace: string, name: ConfigName): Promise<void> {
  const shown = `${namespace}/${name.group}/${name.dataId}`;
  const at = { dataId: name.dataId, groupName: name.group, namespaceId: namespace };
  await run.copy('configurations', shown, async () => {
    const found = await source.config(namespace, name);
    if (found === undefined) return;
    const { content, type, description, tags, app, encryptedDataKey } = found;
    const more = { type, desc: description, configTags: tags, appName: app, encryptedDataKey };
    await write(run, 'POST', '/v3/admin/cs/config', { ...at, content, ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== '')) });
  });
  const beta = await source.beta(namespace, name);
  if (beta === undefined || beta.betaIps === '') return;
  await run.copy('gray releases', shown, () => write(run, 'POST', '/v3/admin/cs/config', { ...at, content: beta.content }, { betaIps: beta.betaIps }));
}

async function importService(run: NacosRun, { source, ephemeral }: ImportOptions, namespace: string, name: ServiceName): Promise<void> {
  const shown = `${namespace}/${name.group}@@${name.name}`;
  const at = { serviceName: name.name, groupName: name.group, namespaceId: namespace };
  // The servers of a Rollcall: every one has its own.
  if (name.name === 'consul' && name.group === 'DEFAULT_GROUP') return run.skip('services', shown, 'the servers themselves');
  const service = await source.service(namespace, name);
  if (service === undefined) return;
  const isThere = (await run.to.readIfThere('/v3/admin/ns/service', at)) !== undefined;
  if (isThere) run.keep('services');
  else if (!(await run.copy('services', shown, () => createService(run, at, service)))) return;
  const existing = new Set(((await run.to.readIfThere<Instance[]>('/v3/admin/ns/instance/list', at)) ?? []).map(spotOf));
  for (const instance of await source.instances(namespace, name)) {
    const where = `${instance.ip}:${instance.port} of ${shown}`;
    if (existing.has(spotOf(instance))) run.keep('instances');
    else if (instance.ephemeral && !ephemeral) run.skip('instances', where, 'its client keeps it alive and registers it here; --ephemeral copies it for as long as it lives without heartbeats');
    else await run.copy('instances', where, () => createInstance(run, at, instance));
  }
}

const spotOf = ({ ip, port, clusterName }: Pick<Instance, 'ip' | 'port' | 'clusterName'>) => `${ip}#${port}#${clusterName}`;

async function createService(run: NacosRun, at: Readonly<Record<string, string>>, { protectThreshold, metadata, clusters }: Service): Promise<void> {
  await write(run, 'POST', '/v3/admin/ns/service', { ...at, protectThreshold, metadata: JSON.stringify(metadata) });
  for (const { name, checker, checkPort, useInstancePort } of clusters) {
    if (checker.type.toUpperCase() === 'TCP' && useInstancePort) continue;
    await write(run, 'PUT', '/v3/admin/ns/cluster', { ...at, clusterName: name, healthChecker: JSON.stringify(checker), checkPort, useInstancePort4Check: useInstancePort });
  }
}

function createInstance(run: NacosRun, at: Readonly<Record<string, string>>, instance: Instance): Promise<string> {
  const { ip, port, weight, healthy, enabled, ephemeral, clusterName, metadata } = instance;
  return write(run, 'POST', '/v3/admin/ns/instance', { ...at, ip, port, weight, healthy, enabled, ephemeral, clusterName, metadata: JSON.stringify(metadata) });
}
