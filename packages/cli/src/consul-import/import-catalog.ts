/**
 * Copies nodes, services and checks. They become entries of the catalog, as if a client had written them there:
 * the registry does not probe them or wait for their heartbeats until their programs register here. Existing
 * entries are not changed, since their programs may have registered already.
 */

import { defaultNamespace } from '@rollcall/protocol';
import { eachOf, encoded, pick, type Fields } from '../import/http-api.ts';
import type { ConsulApi, ConsulRun } from './consul-api.ts';

interface Node extends Fields {
  readonly Node: string;
  readonly Address: string;
}

interface Service extends Fields {
  readonly ID: string;
  readonly Service: string;
  readonly Kind?: string;
}

interface Check extends Fields {
  readonly CheckID: string;
  readonly ServiceID: string;
}

const serviceFields = [
  ...['ID', 'Service', 'Tags', 'Address', 'TaggedAddresses', 'Meta', 'Port', 'SocketPath', 'Weights', 'EnableTagOverride'],
  'Locality',
];
const checkFields = [
  ...['CheckID', 'Name', 'Status', 'Notes', 'Output', 'ServiceID', 'ServiceName', 'ServiceTags', 'Type', 'Interval'],
  ...['Timeout', 'Definition'],
];

/** Nodes that are read and written at the same time. */
const nodesAtOnce = 8;

export async function importCatalog(run: ConsulRun): Promise<void> {
  const there = new Set((await run.to.get<Node[]>('/v1/catalog/nodes')).map((node) => node.Node));
  await eachOf(await run.from.get<Node[]>('/v1/catalog/nodes'), nodesAtOnce, async (node) => {
    const here = there.has(node.Node) ? await contentOf(run.to, node.Node) : undefined;
    await importNode(run, node, here);
  });
}

interface Content {
  readonly services: readonly Service[];
  readonly checks: readonly Check[];
}

async function contentOf(api: ConsulApi, node: string): Promise<Content> {
  const name = encoded(node);
  const found = await api.get<{ readonly Services?: Readonly<Record<string, Service>> } | null>(`/v1/catalog/node/${name}`);
  const path = `/v1/health/node/${name}`;
  const checks = await api.get<Check[]>(path);
  // Those of the node itself are shared by all namespaces, and listed in `default` only.
  const ofNode = api.namespace === defaultNamespace ? [] : (await api.get<Check[]>(`${path}?ns=${defaultNamespace}`)).filter(({ ServiceID }) => ServiceID === '');
  return { services: Object.values(found?.Services ?? {}), checks: [...ofNode, ...checks] };
}

/** @param here entries of the node at the target; undefined when the node is missing there */
async function importNode(run: ConsulRun, node: Node, here: Content | undefined): Promise<void> {
  const { services, checks } = await contentOf(run.from, node.Node);
  const head = { Node: node.Node, Address: node.Address };
  const register = (more: Fields) => run.write('PUT', '/v1/catalog/register', { ...head, ...more });
  const copyCheck = async (check: Check) => {
    const name = `${check.CheckID} on ${node.Node}`;
    if (here?.checks.some(({ CheckID }) => CheckID === check.CheckID) === true) return run.keep('checks');
    await run.copy('checks', name, () => register({ SkipNodeUpdate: true, Check: pick(check, checkFields) }));
  };
  if (here !== undefined) run.keep('nodes');
  else {
    const more = { ...pick(node, ['ID', 'TaggedAddresses']), NodeMeta: node['Meta'] ?? {} };
    if (!(await run.copy('nodes', node.Node, () => register(more)))) return;
  }
  for (const check of checks) if (check.ServiceID === '') await copyCheck(check);
  for (const service of services) {
    const name = `${service.ID} on ${node.Node}`;
    const unwanted = whyNot(service);
    if (unwanted !== undefined) run.skip('services', name, unwanted);
    else if (here?.services.some(({ ID }) => ID === service.ID) === true) run.keep('services');
    else {
      const more = { SkipNodeUpdate: true, Service: pick(service, serviceFields) };
      if (!(await run.copy('services', name, () => register(more)))) continue;
      for (const check of checks) if (check.ServiceID === service.ID) await copyCheck(check);
    }
  }
}

function whyNot({ Service: name, Kind: kind = '' }: Service): string | undefined {
  if (name === 'consul') return 'the servers themselves';
  return kind === '' ? undefined : `a ${kind}; there is no service mesh`;
}
