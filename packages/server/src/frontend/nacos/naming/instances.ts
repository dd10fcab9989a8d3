/** Instances: registering, beats, removing, what an operator sets, and reading them. */

import { MemoryShare, type AnswerMemory } from '../../../net/answer-memory.ts';
import { Body } from '../../../net/answers.ts';
import { ListWriter } from '../../../net/list-writer.ts';
import { findInstance, findNode } from '../../../registry/kind/catalog/find.ts';
import { statuses } from '../../../registry/kind/catalog/effective-status.ts';
import type { InstanceRow } from '../../../registry/kind/catalog/rows.ts';
import { nacosCodes, NacosError } from '../errors.ts';
import { hostPort } from '../foreign.ts';
import { beatTimes, defaultTimes, parseMetadata } from '../metadata.ts';
import { grouped, instanceId, invalid, readCluster, readIp, readPort, readServiceName, type ServiceName, type Spot } from '../names.ts';
import { Answer, encodedAnswer, json, type Format, type Returned, type Value } from '../request/answer.ts';
import type { Call } from '../request/call.ts';
import type { Params } from '../request/params.ts';
import type { Handler } from '../request/route.ts';
import { selecting } from '../service-info.ts';
import { checkIds, readInstance, readKept, registration, toInstanceView, type InstanceView, type NacosInstance } from '../translate.ts';
import { probeIn } from './clusters.ts';
import type { Lists, Shape } from './lists.ts';
import { instanceAt, ownAt, readSpot } from './spot.ts';
import type { Subscribers } from './subscribers.ts';

/** The fields of an instance in parameters; both spellings that clients use. */
function instanceIn(params: Params): NacosInstance {
  const metadata = parseMetadata(params.text('metadata'));
  const given = { ip: params.required('ip'), port: params.required('port'), weight: params.text('weight'), clusterName: params.text(['clusterName', 'cluster']), metadata };
  return readInstance({
    ...given,
    enabled: String(params.flag(['enabled', 'enable'], true)),
    healthy: String(params.flag('healthy', true)),
    ephemeral: String(params.flag('ephemeral', true)),
    instanceId: params.get('instanceId'),
  });
}

/** `POST instance`; with `heartBeat=true` a beat, as the third version of the API sends them. */
export async function register(call: Call): Promise<Returned> {
  const { params } = call;
  const namespace = call.namespace();
  const service = call.service();
  if (params.flag('heartBeat', false)) return beatOrNone(call, namespace, service);
  const instance = instanceIn(params);
  call.requireService(namespace, service, 'write');
  await call.ensureNamespace(namespace);
  await submit(call, namespace, service, instance);
  return 'ok';
}

async function beatOrNone(call: Call, namespace: string, service: ServiceName): Promise<Value> {
  call.requireService(namespace, service, 'write');
  const known = await renew(call, namespace, instanceId(service, readSpot(call.params)));
  // The status is 200: clients of this version read the code.
  if (!known) throw new NacosError('not_found', 'instance not found', nacosCodes.instanceNotFound, { status: 200, withoutData: true });
  return 'ok';
}

async function submit(call: Call, namespace: string, service: ServiceName, instance: NacosInstance): Promise<void> {
  const { context: { registry, health } } = call;
  const before = ownAt(registry.state, namespace, service, { ...instance, cluster: instance.clusterName });
  const liveness = instance.ephemeral ? ({ by: 'heartbeats' } as const) : ({ by: 'probes', probe: probeIn(registry.state, namespace, service, instance) } as const);
  const command = registration(namespace, service, instance, liveness, before);
  await registry.submit(command);
  // Registered again, maybe unchanged: its client is alive.
  for (const { id } of command.checks ?? []) health.restart(namespace, '', id, call.principal);
}

/** @returns false when there is no such instance, or no heartbeat keeps it alive; a promise only when something has to be committed */
function renew({ context: { health }, exchange: { request }, principal }: Call, namespace: string, id: string): boolean | Promise<boolean> {
  return health.beat(namespace, '', checkIds.heartbeats(id), 'passing', '', principal, request.socket);
}

/**
 * `PUT instance/beat`. An instance that is not known is registered from the beat; without one, the answer tells the client to send it. Most
 * beats renew an instance, and are not read any further than it takes to find it.
 */
export function beat(call: Call): Returned | Promise<Returned> {
  const { params } = call;
  const namespace = call.namespace();
  const service = call.service();
  const text = params.text('beat');
  const given = text === '' ? undefined : parseBeat(text, params);
  const id = instanceId(service, given === undefined ? readSpot(params) : spotIn(given));
  call.requireService(namespace, service, 'write');
  const known = renew(call, namespace, id);
  if (known === true) return beatAnswer(call, namespace, id, true);
  return afterBeat(call, { namespace, service, id, given, known });
}

interface Beat {
  readonly namespace: string;
  readonly service: ServiceName;
  readonly id: string;
  readonly given: Fields | undefined;
  readonly known: false | Promise<boolean>;
}

async function afterBeat(call: Call, { namespace, service, id, given, known }: Beat): Promise<Returned> {
  const isThere = () => findInstance(call.context.registry.state, namespace, '', id) !== undefined;
  // A beat does not take over an instance that a connection or probes keep alive.
  if (!(await known) && given !== undefined && !isThere()) {
    const instance = readInstance({ ...given, ephemeral: 'true', enabled: 'true' });
    await call.ensureNamespace(namespace);
    await submit(call, namespace, service, instance);
  }
  return beatAnswer(call, namespace, id, isThere());
}

/** Of nearly all beats. */
const usualBeat = new Answer(Buffer.from(JSON.stringify({ clientBeatInterval: defaultTimes.intervalMs, code: 10_200, lightBeatEnabled: true })), json);

function beatAnswer({ context: { registry } }: Call, namespace: string, id: string, known: boolean): Returned {
  const row = findInstance(registry.state, namespace, '', id);
  if (known && row?.foreign === undefined) return usualBeat;
  const { intervalMs } = row === undefined ? defaultTimes : beatTimes(readKept(row).preserved);
  return { clientBeatInterval: intervalMs, code: known ? 10_200 : 20_404, lightBeatEnabled: true };
}

type Fields = Readonly<Record<string, unknown>>;

/** The fields of an instance in the JSON of a beat. @throws RegistryError `invalid_argument` */
function parseBeat(text: string, params: Params): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid("Param 'beat' is illegal: it is no JSON.");
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid("Param 'beat' is illegal: it is no JSON object.");
  const { cluster } = value as Fields;
  return { ...value, clusterName: cluster ?? params.text(['clusterName', 'cluster']) };
}

/** @throws RegistryError `invalid_argument` */
function spotIn({ ip, port, clusterName }: Fields): Spot {
  const word = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return { ip: readIp(word(ip)), port: readPort(typeof port === 'number' ? port : word(port)), cluster: readCluster(word(clusterName)) };
}

/** `DELETE instance`: also for one that is gone already. */
export async function deregister(call: Call): Promise<Returned> {
  const namespace = call.namespace();
  const service = call.service();
  const id = instanceId(service, readSpot(call.params));
  call.requireService(namespace, service, 'write');
  await call.context.registry.submit({ kind: 'deregister-instance', namespace, node: '', id });
  return 'ok';
}

/** `GET instance/list` */
export function listOf({ lists, subscribers }: { readonly lists: Lists; readonly subscribers: Subscribers }, shape: Shape): Handler {
  return (call, format) => {
    const { params, caller } = call;
    const namespace = call.namespace();
    const service = call.service();
    const clusters = params.text(['clusters', 'clusterName', 'cluster']);
    call.requireService(namespace, service, 'read');
    subscribers.polled(call, namespace, service, clusters);
    const selection = { namespace, service, clusters, healthyOnly: params.flag('healthyOnly', false), enabledOnly: true };
    const body = lists.read(selection, shape, caller.authorizer);
    return body instanceof Promise ? body.then((encoded) => encodedAnswer(encoded, format)) : encodedAnswer(body, format);
  };
}

/** All instances of a service, those that take no requests on purpose included. */
export function allHosts(call: Call, namespace: string, service: ServiceName, clusters = ''): Promise<readonly InstanceView[]> {
  const selection = { namespace, service, clusters, healthyOnly: false, enabledOnly: false };
  const { context: { registry }, caller } = call;
  return call.inTurns(function* (pace) {
    const state = registry.state.freeze();
    try {
      const hosts: InstanceView[] = [];
      for (const each of selecting(state, selection, caller.authorizer)) {
        if (each !== undefined) hosts.push(each);
        if (pace.spend(unitsPerInstance)) yield;
      }
      return hosts;
    } finally {
      state.close();
    }
  });
}

const unitsPerInstance = 4;

/** `GET instance/list` of operators: with the instances that are disabled. */
export function operatorListOf(memory: AnswerMemory): Handler {
  return (call, format) => {
    const { context: { registry }, params, caller } = call;
    const namespace = call.namespace();
    const service = call.service();
    call.requireService(namespace, service, 'read');
    const selection = { namespace, service, clusters: params.text(['clusterName', 'clusters']), healthyOnly: false, enabledOnly: false };
    const healthyOnly = params.flag('healthyOnly', false);
    return call.inTurns(function* (pace) {
      const state = registry.state.freeze();
      const share = new MemoryShare(memory);
      try {
        const out = new ListWriter(share);
        let before = '[';
        for (const each of selecting(state, selection, caller.authorizer)) {
          if (each !== undefined && (!healthyOnly || each.healthy)) {
            out.write(before + JSON.stringify(each));
            before = ',';
          }
          if (pace.spend(unitsPerEncoded)) yield;
        }
        out.write(before === '[' ? '[]' : ']');
        return encodedAnswer(new Body(out.finish()), format);
      } finally {
        state.close();
        share.free();
      }
    });
  };
}

/** Reading an instance and encoding it. */
const unitsPerEncoded = 6;

/** `GET instance` */
export function detail(call: Call, format: Format): Returned {
  const namespace = call.namespace();
  const service = call.service();
  const spot = readSpot(call.params);
  call.requireService(namespace, service, 'read');
  const row = visibleAt(call, namespace, service, spot);
  const status = statuses(call.context.registry.state)(row);
  const view = toInstanceView(row, findNode(call.context.registry.state, row.node), status, service);
  if (format === 'result') return view;
  const { weight, healthy, instanceId: shown, metadata } = view;
  return { service: grouped(service), ip: spot.ip, port: spot.port, clusterName: spot.cluster, weight, healthy, instanceId: shown, metadata };
}

/** @throws NacosError `not_found` */
function visibleAt(call: Call, namespace: string, service: ServiceName, spot: Spot): InstanceRow {
  const row = instanceAt(call.context.registry.state, namespace, service, spot);
  if (row === undefined || (row.node !== '' && !call.may(namespace, 'node', 'read', row.node))) {
    throw new NacosError('not_found', 'no matched ip found!', nacosCodes.notFound);
  }
  return row;
}

/** `GET instance/statuses?key=NAMESPACE##SERVICE` */
export async function listStatuses(call: Call): Promise<Returned> {
  const key = call.params.required('key');
  const at = key.indexOf('##');
  const namespace = call.seen(at < 0 ? '' : key.slice(0, at));
  const service = readServiceName(at < 0 ? key : key.slice(at + 2));
  call.requireService(namespace, service, 'read');
  const hosts = await allHosts(call, namespace, service);
  return { ips: hosts.map(({ ip, port, healthy }) => `${hostPort(ip, port)}_${healthy}`) };
}
