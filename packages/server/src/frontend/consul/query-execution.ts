/** What a prepared query finds: the instances that it selects, in random order as Consul gives them. */

import type { Json } from '../../registry/rows.ts';
import { find } from '../../registry/reader.ts';
import type { Call } from './call.ts';
import { invalid, quoted } from './errors.ts';
import { hasTags, instanceChecks, nodeChecks } from './selection.ts';
import { checkJson, nodeJson, serviceJson } from './translate.ts';

export interface Prepared {
  readonly Name: string;
  readonly Session: string;
  readonly Template: { readonly Type: string; readonly Regexp: string; readonly RemoveEmptyTags: boolean };
  readonly Service: PreparedService;
  readonly DNS: { readonly TTL: string };
}

export interface PreparedService {
  readonly Service: string;
  readonly Failover: Json;
  readonly OnlyPassing: boolean;
  readonly IgnoreCheckIDs: readonly string[];
  readonly Near: string;
  readonly Tags: readonly string[];
  readonly NodeMeta: Readonly<Record<string, string>>;
  readonly ServiceMeta: Readonly<Record<string, string>>;
  readonly Connect: boolean;
}

/** @throws RegistryError `invalid_argument` for a bad `?limit` */
export function execute({ context, params }: Call, { Service: wanted, DNS }: Prepared): object {
  const { identity, registry, uuid } = context;
  const { state } = registry;
  const { datacenter } = identity;
  const limitText = params.get('limit');
  if (!/^\d{0,9}$/.test(limitText)) {
    throw invalid(`strconv.Atoi: parsing ${quoted(limitText)}: invalid syntax`);
  }
  const limit = Number(limitText) || Infinity;
  const found: object[] = [];
  // Without a service mesh nothing is connect-native.
  const none = wanted.Connect || (params.has('connect') && params.flag('connect'));
  for (const instance of none ? [] : find.instancesOfService(state, wanted.Service)) {
    const node = find.node(state, instance.node);
    if (node === undefined || !matchesTags(instance, wanted.Tags)) continue;
    if (!hasAll(node.meta, wanted.NodeMeta) || !hasAll(instance.meta, wanted.ServiceMeta)) continue;
    const checks = [...nodeChecks(state, node.name), ...instanceChecks(state, instance)];
    const counted = checks.filter(({ id }) => !wanted.IgnoreCheckIDs.includes(id));
    const bad = ({ status }: { readonly status: string }) =>
      status === 'critical' || (wanted.OnlyPassing && status !== 'passing');
    if (counted.some(bad)) continue;
    found.push({
      Node: nodeJson(node, datacenter),
      Service: serviceJson(instance),
      Checks: checks.map((check) => checkJson(check, check.instance === '' ? undefined : instance)),
    });
  }
  // A random key for each; the context's only source of randomness makes ids.
  const shuffled = found
    .map((entry): [string, object] => [uuid(), entry])
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, entry]) => entry);
  return {
    Service: wanted.Service,
    Nodes: shuffled.slice(0, limit),
    DNS,
    Datacenter: datacenter,
    PeerName: '',
    Failovers: 0,
  };
}

/** All tags, and none of those after a `!`. */
function matchesTags(instance: Parameters<typeof hasTags>[0], tags: readonly string[]): boolean {
  const lower = tags.map((tag) => tag.toLowerCase());
  const required = lower.filter((tag) => !tag.startsWith('!'));
  const excluded = lower.filter((tag) => tag.startsWith('!')).map((tag) => tag.slice(1));
  const has = (tag: string) => hasTags(instance, { name: '', tags: [tag], meta: [] });
  return required.every(has) && !excluded.some(has);
}

function hasAll(
  meta: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(meta, key) && meta[key] === value);
}
