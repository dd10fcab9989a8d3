/**
 * Reads a Nacos: by the administrative API of its third version, or by the first version, which servers before it have. A server of 3.0 or
 * 3.1 answers the first version only if that is switched on, one of 3.2 or later not at all.
 */

import { Refusal, type Fields } from '../import/http-api.ts';
import type { NacosApi } from './nacos-api.ts';

export interface Namespace {
  readonly id: string;
  readonly name: string;
  readonly description: string;
}

export interface ConfigName {
  readonly dataId: string;
  readonly group: string;
}

export interface Config extends ConfigName {
  readonly content: string;
  readonly type: string;
  readonly description: string;
  readonly tags: string;
  readonly app: string;
  readonly encryptedDataKey: string;
}

export interface ServiceName {
  readonly name: string;
  readonly group: string;
}

export interface Cluster {
  readonly name: string;
  readonly checker: { readonly type: string } & Fields;
  readonly checkPort: number;
  readonly useInstancePort: boolean;
}

export interface Service extends ServiceName {
  readonly protectThreshold: number;
  readonly metadata: Fields;
  readonly clusters: readonly Cluster[];
}

export interface Instance {
  readonly ip: string;
  readonly port: number;
  readonly weight: number;
  readonly healthy: boolean;
  readonly enabled: boolean;
  readonly ephemeral: boolean;
  readonly clusterName: string;
  readonly metadata: Fields;
}

export interface Source {
  namespaces(): Promise<readonly Namespace[]>;
  configs(namespace: string): AsyncIterable<ConfigName>;
  config(namespace: string, name: ConfigName): Promise<Config | undefined>;
  /** The release for some addresses. */
  beta(namespace: string, name: ConfigName): Promise<{ readonly content: string; readonly betaIps: string } | undefined>;
  services(namespace: string): AsyncIterable<ServiceName>;
  service(namespace: string, name: ServiceName): Promise<Service | undefined>;
  instances(namespace: string, name: ServiceName): Promise<readonly Instance[]>;
}

interface GivenNamespace {
  readonly namespace: string;
  readonly namespaceShowName?: string;
  readonly namespaceDesc?: string | null;
}

/** @throws Refusal when the server has neither version, or refuses the token */
export async function sourceOf(api: NacosApi): Promise<Source> {
  try {
    await api.read('/v3/admin/core/namespace/list');
    return thirdVersion(api);
  } catch (error) {
    if (!(error instanceof Refusal) || ![404, 405, 501].includes(error.status)) throw error;
    return firstVersion(api);
  }
}

function thirdVersion(api: NacosApi): Source {
  const at = (namespaceId: string, { dataId, group }: ConfigName) => ({ namespaceId, groupName: group, dataId });
  const of = (namespaceId: string, { name, group }: ServiceName) => ({ namespaceId, groupName: group, serviceName: name });
  return {
    namespaces: async () => (await api.read<GivenNamespace[]>('/v3/admin/core/namespace/list')).map(namespaceOf),
    configs: (namespaceId) =>
      api.pages('/v3/admin/cs/config/list', { namespaceId, search: 'blur', dataId: '', groupName: '' }, ({ pageItems }) => (pageItems as { dataId: string; groupName?: string; group?: string }[]).map(({ dataId, groupName, group }) => ({ dataId, group: groupName ?? group ?? '' }))),
    config: async (namespace, name) => configOf(name, await api.readIfThere<Fields>('/v3/admin/cs/config', at(namespace, name))),
    beta: async (namespace, name) => betaOf(await api.readIfThere<Fields>('/v3/admin/cs/config/beta', at(namespace, name))),
    services: (namespaceId) =>
      api.pages('/v3/admin/ns/service/list', { namespaceId, serviceNameParam: '', groupNameParam: '' }, ({ pageItems }) => (pageItems as { name: string; groupName: string }[]).map(({ name, groupName }) => ({ name, group: groupName }))),
    service: async (namespace, name) => serviceOf(name, await api.readIfThere<Fields>('/v3/admin/ns/service', of(namespace, name))),
    instances: async (namespace, name) => (await api.readIfThere<Instance[]>('/v3/admin/ns/instance/list', of(namespace, name))) ?? [],
  };
}

function firstVersion(api: NacosApi): Source {
  const tenant = (namespace: string) => (namespace === 'public' ? '' : namespace);
  const at = (namespace: string, { dataId, group }: ConfigName) => ({ dataId, group, tenant: tenant(namespace) });
  // r-nacos knows this namespace by no name but the empty one; Nacos takes either.
  const inNamespace = (namespace: string) => ({ namespaceId: tenant(namespace) });
  const of = (namespace: string, { name, group }: ServiceName) => ({ ...inNamespace(namespace), serviceName: `${group}@@${name}`, groupName: group });
  return {
    namespaces: async () => (await api.read<GivenNamespace[]>('/v1/console/namespaces')).map(namespaceOf),
    configs: (namespace) => api.pages('/v1/cs/configs', { tenant: tenant(namespace), search: 'blur', dataId: '', group: '' }, ({ pageItems }) => (pageItems as ConfigName[]).map(({ dataId, group }) => ({ dataId, group }))),
    async config(namespace, name) {
      const text = await api.textIfThere('/v1/cs/configs', { ...at(namespace, name), show: 'all' });
      // A server that does not know `show`, such as r-nacos, answers with the content alone.
      return text === undefined ? undefined : configOf(name, wholeIn(text, name) ?? { content: text });
    },
    async beta(namespace, name) {
      const text = await api.textIfThere('/v1/cs/configs', { ...at(namespace, name), beta: true });
      return betaOf(text === undefined ? undefined : wholeIn(text, name));
    },
    services: (namespace) =>
      api.pages('/v1/ns/catalog/services', { ...inNamespace(namespace), serviceNameParam: '', groupNameParam: '', withInstances: false, hasIpCount: false }, ({ serviceList }) => (serviceList as { name: string; groupName: string }[]).map(({ name, groupName }) => ({ name, group: groupName }))),
    service: async (namespace, name) => serviceOf(name, await api.readIfThere<Fields>('/v1/ns/service', of(namespace, name))),
    // Those that are disabled are not in it; no other list of this version has all clusters.
    instances: async (namespace, name) => (await api.readIfThere<{ readonly hosts: Instance[] }>('/v1/ns/instance/list', of(namespace, name)))?.hosts ?? [],
  };
}

function namespaceOf({ namespace, namespaceShowName, namespaceDesc }: GivenNamespace): Namespace {
  const id = namespace === '' ? 'public' : namespace;
  return { id, name: namespaceShowName ?? id, description: namespaceDesc ?? '' };
}

/** The configuration of that name in an answer of the first version, in its envelope or without one; undefined when the answer is anything else. */
function wholeIn(text: string, { dataId, group }: ConfigName): Fields | undefined {
  const value = parsed(text);
  for (const each of [value, value?.['data']]) {
    if (isFields(each) && each['dataId'] === dataId && each['group'] === group && typeof each['content'] === 'string') return each;
  }
  return undefined;
}

function parsed(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '');

function configOf(name: ConfigName, found: Fields | undefined): Config | undefined {
  if (found === undefined) return undefined;
  const { content, type, desc, configTags, appName, encryptedDataKey } = found;
  return { ...name, content: textOf(content), type: textOf(type), description: textOf(desc), tags: textOf(configTags), app: textOf(appName), encryptedDataKey: textOf(encryptedDataKey) };
}

/** Servers of the third version name the addresses within the rule, as JSON. */
function betaOf(found: Fields | undefined): { readonly content: string; readonly betaIps: string } | undefined {
  if (found === undefined || typeof found['content'] !== 'string') return undefined;
  const { betaIps, grayRule } = found;
  const rule = typeof grayRule === 'string' ? (JSON.parse(grayRule) as { readonly expr?: unknown }) : {};
  return { content: found['content'], betaIps: textOf(betaIps) || textOf(rule.expr) };
}

function serviceOf(name: ServiceName, found: Fields | undefined): Service | undefined {
  if (found === undefined) return undefined;
  const { protectThreshold, metadata, clusterMap, clusters } = found;
  const given = Array.isArray(clusters) ? (clusters as Fields[]) : Object.entries((clusterMap ?? {}) as Readonly<Record<string, Fields>>).map(([key, value]) => ({ name: key, ...value }));
  return { ...name, protectThreshold: Number(protectThreshold ?? 0), metadata: (metadata ?? {}) as Fields, clusters: given.map(clusterOf) };
}

function clusterOf(given: Fields): Cluster {
  const { name, clusterName, healthChecker, healthyCheckPort, useInstancePortForCheck } = given;
  const checker = (healthChecker ?? { type: 'TCP' }) as Cluster['checker'];
  return { name: textOf(name) || textOf(clusterName), checker, checkPort: Number(healthyCheckPort ?? 80), useInstancePort: useInstancePortForCheck !== false };
}
