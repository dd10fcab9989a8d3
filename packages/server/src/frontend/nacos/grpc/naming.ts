/** The messages about instances and services. */

import { inTurns } from '../../../in-turns.ts';
import { Body } from '../../../net/answers.ts';
import { servicesOf } from '../../../registry/kind/catalog/service-index.ts';
import { serviceView } from '../../../registry/kind/catalog/views.ts';
import { unrestricted } from '../../../security/authorizer.ts';
import { defaultGroup, fromService, invalid, toService, type ServiceName } from '../names.ts';
import { probeIn } from '../naming/clusters.ts';
import { ownAt } from '../naming/spot.ts';
import { revisionOf, type Selection } from '../service-info.ts';
import { readInstance, registration, type NacosInstance } from '../translate.ts';
import { encodeReply, type Answer } from './answer.ts';
import type { Call, MessageTypes } from './call.ts';
import { flag, object, objects, text, texts, wholeNumber } from './fields.ts';
import { readPattern } from './fuzzy-pattern.ts';
import { matchesMax } from './fuzzy-watches.ts';
import { readInfo } from './service-feed.ts';
import { audienceOf } from './subscriptions.ts';

const writes = { kind: 'demands-by-name', resource: 'service', verb: 'write' } as const;
const reads = { kind: 'demands-by-name', resource: 'service', verb: 'read' } as const;

/** Services in one page of a list. */
const pageMax = 10_000;

export const namingMessages: MessageTypes = {
  InstanceRequest: { reply: 'InstanceResponse', access: writes, handle: changeInstance },
  BatchInstanceRequest: { reply: 'BatchInstanceResponse', access: writes, handle: registerBatch },
  PersistentInstanceRequest: { reply: 'InstanceResponse', access: writes, handle: changePersistent },
  ServiceQueryRequest: { reply: 'QueryServiceResponse', access: reads, handle: query },
  SubscribeServiceRequest: { reply: 'SubscribeServiceResponse', access: reads, handle: subscribe },
  ServiceListRequest: { reply: 'ServiceListResponse', access: { kind: 'filters', resources: ['service'] }, handle: list },
  NamingFuzzyWatchRequest: { reply: 'NamingFuzzyWatchResponse', access: { kind: 'filters', resources: ['service'] }, handle: fuzzyWatch },
};

interface Target {
  readonly namespace: string;
  readonly service: ServiceName;
  readonly type: string;
}

/** @throws RegistryError `permission_denied`, `not_found`, `invalid_argument` */
async function written(call: Call): Promise<Target> {
  const namespace = call.namespace('namespace');
  const service = call.service();
  call.requireService(namespace, service, 'write');
  await call.ensureNamespace(namespace);
  return { namespace, service, type: text(call.body, 'type') };
}

async function changeInstance(call: Call): Promise<Answer> {
  const instance = readInstance({ ...object(call.body, 'instance'), ephemeral: true });
  const { namespace, service, type } = await written(call);
  if (type === 'registerInstance') await call.instances.register(namespace, service, [instance]);
  else if (type === 'deregisterInstance') await call.instances.deregister(namespace, service, instance);
  else throw unknownType(type);
  return { type };
}

/** The list replaces what the client has registered of the service: the client sends what is left when it takes some away. */
async function registerBatch(call: Call): Promise<Answer> {
  const limit = call.context.limits.instancesPerStreamMax;
  const instances = objects(call.body, 'instances', limit).map((each) => readInstance({ ...each, ephemeral: true }));
  const { namespace, service, type } = await written(call);
  if (type !== 'batchRegisterInstance') throw unknownType(type);
  await call.instances.register(namespace, service, instances);
  return { type };
}

/** A persistent instance outlives its client; the server probes it. */
async function changePersistent(call: Call): Promise<Answer> {
  const instance = readInstance({ ...object(call.body, 'instance'), ephemeral: false });
  const { namespace, service, type } = await written(call);
  if (type === 'registerInstance') await registerPersistent(call, namespace, service, instance);
  else if (type === 'deregisterInstance') await deregisterPersistent(call, namespace, service, instance);
  else throw unknownType(type);
  return { type };
}

function unknownType(type: string): Error {
  return invalid(`Unsupported request type ${type.slice(0, 80)}`);
}

function query(call: Call): Promise<Answer> {
  return answered(call, { ...selectionOf(call, 'cluster'), healthyOnly: flag(call.body, 'healthyOnly'), enabledOnly: true });
}

/** Encoded once for each revision and selection, for all callers who see all of it. */
async function answered(call: Call, selection: Selection): Promise<Answer> {
  call.requireService(selection.namespace, selection.service, 'read');
  const { answers, registry } = call.context;
  const audience = audienceOf(call.caller, selection) ?? call.caller.authorizer;
  const view = serviceView(selection.namespace, toService(selection.service));
  const name = `nacos grpc ${selection.healthyOnly} ${selection.clusters}`;
  const kept = audience === unrestricted ? answers.find(view, revisionOf(registry.views, selection), name)?.buffers[0] : undefined;
  if (kept !== undefined) return kept;
  const { info, revision } = await readInfo(call.context, selection, audience);
  const bytes = encodeReply('QueryServiceResponse', infoFields(info));
  if (audience === unrestricted) answers.keep(view, revision, name, new Body([bytes]));
  return bytes;
}

function infoFields(info: string): string {
  return `"message":"success","serviceInfo":${info}`;
}

async function subscribe(call: Call): Promise<Answer> {
  const selection = { ...selectionOf(call, 'clusters'), healthyOnly: false, enabledOnly: true };
  if (!flag(call.body, 'subscribe', true)) {
    call.subscriptions.unsubscribe(call.connection, selection);
    call.requireService(selection.namespace, selection.service, 'read');
    return infoFields((await readInfo(call.context, selection, audienceOf(call.caller, selection) ?? call.caller.authorizer)).info);
  }
  call.requireService(selection.namespace, selection.service, 'read');
  const info = await call.subscriptions.subscribe(call.connection, call.caller, selection);
  return infoFields(info);
}

function selectionOf(call: Call, clusters: string): Pick<Selection, 'namespace' | 'service' | 'clusters'> {
  return { namespace: call.namespace('namespace'), service: call.service(), clusters: text(call.body, clusters) };
}

/** The services of a group, in the order of their names. */
async function list(call: Call): Promise<Answer> {
  const namespace = call.namespace('namespace');
  const group = text(call.body, 'groupName', defaultGroup);
  const page = wholeNumber(call.body, 'pageNo', 1);
  const size = Math.min(wholeNumber(call.body, 'pageSize', 10), pageMax);
  const all = [...servicesOf(call.context.registry.state).names(namespace)];
  const names = await inTurns(namesOf(all, group, (service) => call.mayReadService(namespace, service)));
  return { count: names.length, serviceNames: names.slice((page - 1) * size, page * size) };
}

function* namesOf(services: readonly string[], group: string, mayRead: (service: string) => boolean): Generator<undefined, string[], undefined> {
  const names: string[] = [];
  for (const service of services) {
    const name = fromService(service);
    if (name?.group === group && mayRead(service)) names.push(name.name);
    yield;
  }
  return names;
}

/** Keys of services that a client may say that it knows. */
const receivedMax = matchesMax;

async function fuzzyWatch(call: Call): Promise<Answer> {
  const given = readPattern(text(call.body, 'groupKeyPattern'));
  const pattern = { ...given, namespace: call.seen(given.namespace) };
  const type = text(call.body, 'watchType');
  if (type === 'CANCEL_WATCH') call.fuzzyWatches.cancel(call.connection, pattern.text);
  else if (type !== 'WATCH') throw unknownType(type);
  else {
    await call.fuzzyWatches.watch(call.connection, {
      ...{ pattern, received: texts(call.body, 'receivedGroupKeys', receivedMax), isInitializing: flag(call.body, 'initializing') },
      mayRead: (service) => call.mayReadService(pattern.namespace, service),
    });
  }
  return {};
}

async function registerPersistent(call: Call, namespace: string, service: ServiceName, instance: NacosInstance): Promise<void> {
  const { registry } = call.context;
  const before = ownAt(registry.state, namespace, service, { ...instance, cluster: instance.clusterName });
  const probe = probeIn(registry.state, namespace, service, instance);
  await registry.submit(registration(namespace, service, instance, { by: 'probes', probe }, before));
}

async function deregisterPersistent(call: Call, namespace: string, service: ServiceName, { ip, port, clusterName: cluster }: NacosInstance): Promise<void> {
  const { registry } = call.context;
  const row = ownAt(registry.state, namespace, service, { ip, port, cluster });
  if (row?.persistent === true) await registry.submit({ kind: 'deregister-instance', namespace, node: '', id: row.id });
}
