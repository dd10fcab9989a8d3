/** Services: their records (metadata, protect threshold, clusters), lists of them, and the pages that consoles show. */

import { allHosts } from './instances.ts';
import { findService, instancesOfService, serviceRecords } from '../../../registry/kind/catalog/find.ts';
import { servicesOf } from '../../../registry/kind/catalog/service-index.ts';
import type { ServiceRow } from '../../../registry/kind/catalog/rows.ts';
import { inOrder, order } from '../../../net/slices.ts';
import type { Json } from '../../../registry/row.ts';
import { nacosCodes, NacosError } from '../errors.ts';
import { keep, kept } from '../foreign.ts';
import { parseMetadata } from '../metadata.ts';
import { defaultCluster, fromNamespace, fromService, grouped, invalid, readCluster, readIp, readPort, toService, type ServiceName } from '../names.ts';
import type { Format, Returned } from '../request/answer.ts';
import type { Call } from '../request/call.ts';
import { checkIds, probeOf } from '../translate.ts';
import { clustersOf, selectorOf, usualCluster, type ClusterSettings } from './clusters.ts';
import { onPage, paged, readPage } from './pages.ts';
import { ownAt } from './spot.ts';

/** @throws RegistryError `invalid_argument` */
function readThreshold(text: string): number {
  const value = text === '' ? 0 : Number(text);
  if (!(value >= 0 && value <= 1)) throw invalid(`Param 'protectThreshold' is illegal: '${text.slice(0, 40)}' is not from 0 to 1.`);
  return value;
}

/** @throws RegistryError `invalid_argument` */
function readSelector(text: string): Json | undefined {
  if (text === '') return undefined;
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    throw invalid("Param 'selector' is illegal: it is no JSON.");
  }
  const type = (value as { readonly type?: Json } | null)?.type;
  if (type === 'none') return undefined;
  throw invalid(`selector type ${JSON.stringify(type)} is not supported; only 'none' is: leave it out`);
}

function exists(call: Call, namespace: string, service: ServiceName): boolean {
  const { state } = call.context.registry;
  const name = toService(service);
  return findService(state, namespace, name) !== undefined || servicesOf(state).has(namespace, name);
}

/** @throws NacosError `not_found` */
function demandService(call: Call, namespace: string, service: ServiceName): void {
  if (!exists(call, namespace, service)) throw new NacosError('not_found', `service ${grouped(service)} is not found!`, nacosCodes.serviceNotFound);
}

/** `POST service`, `PUT service` */
export function put(mode: 'create' | 'update') {
  return async (call: Call): Promise<Returned> => {
    const { params, context: { registry } } = call;
    const namespace = call.namespace();
    const service = call.service();
    const protectThreshold = readThreshold(params.text('protectThreshold'));
    const meta = parseMetadata(params.text('metadata'));
    readSelector(params.text('selector'));
    call.requireService(namespace, service, 'write');
    const name = toService(service);
    const before = findService(registry.state, namespace, name);
    if (mode === 'create') {
      if (before !== undefined) throw new NacosError('invalid_argument', `specified service already exists, serviceName : ${grouped(service)}`, nacosCodes.serviceExists);
      await call.ensureNamespace(namespace);
    } else demandService(call, namespace, service);
    const foreign = before?.foreign;
    await registry.submit({ kind: 'service-put', namespace, name, protectThreshold, meta, ...(foreign === undefined ? {} : { foreign }) });
    return 'ok';
  };
}

/** `DELETE service` */
export async function remove(call: Call): Promise<Returned> {
  const namespace = call.namespace();
  const service = call.service();
  call.requireService(namespace, service, 'write');
  demandService(call, namespace, service);
  if (servicesOf(call.context.registry.state).has(namespace, toService(service))) {
    throw new NacosError('invalid_argument', `Service ${grouped(service)} is not empty, can't be delete. Please unregister instance first`, nacosCodes.serviceNotEmpty);
  }
  await call.context.registry.submit({ kind: 'service-delete', namespace, name: toService(service) });
  return 'ok';
}

/** `GET service`; the later versions of the API have other names for its fields, and a map of clusters. */
export function detail(call: Call, format: Format): Returned {
  const namespace = call.namespace();
  const service = call.service();
  call.requireService(namespace, service, 'read');
  demandService(call, namespace, service);
  const { state } = call.context.registry;
  const row = findService(state, namespace, toService(service));
  const clusters = clusterNames(call, namespace, service, row).map((name) => ({ name, ...clusterView(clustersOf(row)[name] ?? usualCluster) }));
  const namespaceId = fromNamespace(namespace);
  if (format === 'plain') return { namespaceId, groupName: service.group, name: service.name, ...recordView(row), clusters };
  const clusterMap = Object.fromEntries(
    clusters.map(({ name, ...view }) => {
      const { checkPort } = clustersOf(row)[name] ?? usualCluster;
      return [name, { clusterName: name, ...view, healthyCheckPort: checkPort || 80, useInstancePortForCheck: checkPort === 0 }];
    }),
  );
  return { namespaceId, namespace: namespaceId, groupName: service.group, serviceName: service.name, ...recordView(row), clusterMap, ephemeral: true };
}

function recordView(row: ServiceRow | undefined): object {
  return { protectThreshold: row?.protectThreshold ?? 0, metadata: row?.meta ?? {}, selector: selectorOf(row) };
}

function clusterView({ healthChecker, metadata }: ClusterSettings): object {
  return { healthChecker, metadata };
}

function clusterNames(call: Call, namespace: string, service: ServiceName, row: ServiceRow | undefined): string[] {
  const names = new Set(Object.keys(clustersOf(row)));
  for (const { cluster = defaultCluster } of instancesOfService(call.context.registry.state, namespace, toService(service))) names.add(cluster);
  return [...names].sort();
}

/** The services of a namespace that the caller may read, in order. @param wanted chooses some of them */
function servicesIn(call: Call, namespace: string, wanted: (service: ServiceName) => boolean): Promise<readonly ServiceName[]> {
  const { context: { registry }, caller: { authorizer } } = call;
  return call.inTurns(function* (pace) {
    const { state } = registry;
    const names = new Set(servicesOf(state).names(namespace));
    for (const { name } of serviceRecords(state, namespace)) names.add(name);
    const found: { readonly key: string; readonly service: ServiceName }[] = [];
    for (const name of names) {
      const service = fromService(name);
      if (service !== undefined && wanted(service) && authorizer.allows(namespace, 'service', 'read', name)) found.push({ key: name, service });
      if (pace.spend(0.5)) yield;
    }
    const sorted = yield* inOrder(found, (a, b) => order(a.key, b.key), pace);
    return sorted.map(({ service }) => service);
  });
}

/** `GET service/list`: names of the services of one group. @param field that has the names */
export function listNames(field: 'doms' | 'services') {
  return async (call: Call): Promise<Returned> => {
    const namespace = call.namespace();
    const group = call.params.text('groupName', 'DEFAULT_GROUP');
    const page = readPage(call.params, 10, 10_000);
    const services = await servicesIn(call, namespace, (service) => service.group === group);
    return { count: services.length, [field]: onPage(services, page).map(({ name }) => name) };
  };
}

/** Services whose name and group have these texts in them, with counts of their instances. */
async function summaries(call: Call): Promise<{ readonly count: number; readonly page: ReturnType<typeof readPage>; readonly items: readonly object[] }> {
  const { params } = call;
  const namespace = call.namespace();
  const [name, group] = [params.text(['serviceNameParam', 'serviceName']), params.text(['groupNameParam', 'groupName'])];
  const page = readPage(params, 10, 100);
  const services = await servicesIn(call, namespace, (service) => service.name.includes(name) && service.group.includes(group));
  const items: object[] = [];
  for (const service of onPage(services, page)) {
    const hosts = await allHosts(call, namespace, service);
    items.push({
      name: service.name,
      groupName: service.group,
      clusterCount: new Set(hosts.map(({ clusterName }) => clusterName)).size,
      ipCount: hosts.length,
      healthyInstanceCount: hosts.filter(({ healthy }) => healthy).length,
      triggerFlag: 'false',
    });
  }
  return { count: services.length, page, items };
}

/** `GET catalog/services` */
export async function catalogServices(call: Call): Promise<Returned> {
  const { count, items } = await summaries(call);
  return { count, serviceList: items };
}

/** `GET v3/admin/ns/service/list` */
export async function listPage(call: Call): Promise<Returned> {
  const { count, page, items } = await summaries(call);
  return paged(count, page, items);
}

/** `GET catalog/service` */
export function catalogService(call: Call): Returned {
  const namespace = call.namespace();
  const service = call.service();
  call.requireService(namespace, service, 'read');
  demandService(call, namespace, service);
  const row = findService(call.context.registry.state, namespace, toService(service));
  const clusters = clusterNames(call, namespace, service, row).map((name) => {
    const settings = clustersOf(row)[name] ?? usualCluster;
    return { name, serviceName: grouped(service), ...clusterView(settings), defaultPort: 80, defaultCheckPort: settings.checkPort || 80, useIpPort4Check: settings.checkPort === 0 };
  });
  return { service: { name: service.name, groupName: service.group, ...recordView(row) }, clusters };
}

/** `GET catalog/instances` */
export async function catalogInstances(call: Call): Promise<Returned> {
  const namespace = call.namespace();
  const service = call.service();
  const page = readPage(call.params, 10, 1_000);
  call.requireService(namespace, service, 'read');
  const hosts = await allHosts(call, namespace, service, call.params.text(['clusterName', 'cluster']));
  return { list: onPage(hosts, page), count: hosts.length };
}

/** `PUT cluster`: how the registry probes persistent instances of a cluster. */
export async function putCluster(call: Call): Promise<Returned> {
  const { params, context: { registry } } = call;
  const namespace = call.namespace();
  const service = call.service();
  const cluster = readCluster(params.required('clusterName'));
  const settings: ClusterSettings = {
    healthChecker: readChecker(params.required('healthChecker')),
    checkPort: params.flag(['useInstancePort4Check', 'useInstancePortForCheck'], true) ? 0 : readPort(params.required('checkPort')),
    metadata: parseMetadata(params.text('metadata')),
  };
  call.requireService(namespace, service, 'write');
  demandService(call, namespace, service);
  const name = toService(service);
  const row = findService(registry.state, namespace, name);
  const clusters = { ...clustersOf(row), [cluster]: settings } as unknown as Json;
  const { meta = {}, protectThreshold = 0 } = row ?? {};
  await registry.submit({ kind: 'service-put', namespace, name, meta, protectThreshold, ...keep({ ...(row === undefined ? {} : kept(row)), clusters }) });
  for (const each of [...instancesOfService(registry.state, namespace, name)]) {
    if (each.persistent !== true || each.node !== '' || each.cluster !== cluster) continue;
    const { type, definition } = probeOf({ ip: each.address, port: each.port }, settings.healthChecker, settings.checkPort || each.port);
    const check = { id: checkIds.probes(each.id), name: 'Nacos health check', instance: each.id, type, definition };
    await registry.submit({ kind: 'register', namespace, node: { name: '', address: '' }, nodeMode: 'none', checks: [check] });
  }
  return 'ok';
}

/** @throws RegistryError `invalid_argument` */
function readChecker(text: string): ClusterSettings['healthChecker'] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Some scripts send the type alone.
    value = { type: text };
  }
  const { type, path, headers } = (value ?? {}) as { readonly type?: unknown; readonly path?: unknown; readonly headers?: unknown };
  if (typeof type !== 'string' || !/^(?:TCP|HTTP|MYSQL|NONE)$/i.test(type)) throw invalid("Param 'healthChecker' is illegal: its type is none of TCP, HTTP, MYSQL and NONE.");
  return { type: type.toUpperCase(), ...(typeof path === 'string' ? { path } : {}), ...(typeof headers === 'string' ? { headers } : {}) };
}

/** `PUT health/instance`: the health of a persistent instance whose cluster has the health checker NONE. */
export async function setHealth(call: Call): Promise<Returned> {
  const { params, context: { registry } } = call;
  const namespace = call.namespace();
  const service = call.service();
  params.required(['healthy', 'valid']);
  const healthy = params.flag(['healthy', 'valid'], true);
  const spot = { ip: readIp(params.required('ip')), port: readPort(params.required('port')), cluster: readCluster(params.text(['clusterName', 'cluster'])) };
  call.requireService(namespace, service, 'write');
  const row = ownAt(registry.state, namespace, service, spot);
  if (row === undefined) throw new NacosError('not_found', `instance of service ${grouped(service)} at ${spot.ip}:${spot.port} is not found!`, nacosCodes.instanceNotFound);
  const settings = clustersOf(findService(registry.state, namespace, toService(service)))[spot.cluster] ?? usualCluster;
  if (row.persistent !== true || settings.healthChecker.type !== 'NONE') {
    throw new NacosError('invalid_argument', `health check is still working, serviceName: ${grouped(service)}`, { code: 21_011, message: 'health check still running' });
  }
  await registry.submit({ kind: 'update-checks', updates: [{ namespace, node: '', id: checkIds.probes(row.id), status: healthy ? 'passing' : 'critical', output: 'set by an operator' }] });
  return 'ok';
}
