/** Converts the definition of a prepared query in a request to the stored query, with Consul's rules and texts. */

import type { RegistryError } from '@rollcall/protocol';
import { vetTemplate } from '../../../registry/kind/query/template.ts';
import type { Failover, PreparedQuery, PreparedService } from '../../../registry/kind/query/rows.ts';
import { vetNamespace } from '../request/scope.ts';
import { invalid } from '../wire/errors.ts';
import { parseDuration } from '../wire/go-duration.ts';
import { vetMeta, vetName } from '../wire/vetting.ts';
import { serviceFields, templateType } from './query-json.ts';
import type { PreparedQueryFields } from './schema.ts';

/** Limit of the part of a query that can be long, as JSON. */
const serviceBytesMax = 16_384;

/** @throws RegistryError `invalid_argument` */
export function preparedFrom(fields: PreparedQueryFields): PreparedQuery {
  const { Name = '', Session = '', Template = {}, Service = {}, DNS = {} } = fields;
  const { Type = '', Regexp = '', RemoveEmptyTags = false } = Template;
  vetName(Name, 'query name');
  if (Type !== '' && Type !== templateType) {
    throw invalid(`failed compiling template: Bad Template.Type '${Type.slice(0, 80)}'`);
  }
  if (Name === '' && Type === '' && Session === '') throw refuse('Must be bound to a session');
  if (!Service.Service) throw refuse('Must provide a Service name to query');
  if (Service.Peer || Service.SamenessGroup) throw refuse('there are no peers and no sameness groups');
  const { TTL = '' } = DNS;
  if (TTL !== '') vetTtl(TTL);
  const service: PreparedService = {
    name: vetName(Service.Service, 'service name'),
    ...(Service.Namespace ? { namespace: vetNamespace(Service.Namespace) } : {}),
    failover: failoverFrom(Service.Failover ?? {}),
    onlyPassing: Service.OnlyPassing ?? false,
    ignoredChecks: Service.IgnoreCheckIDs ?? [],
    // npm `consul` sends it at the top level; Consul itself refuses that.
    near: Service.Near ?? fields.Near ?? '',
    tags: Service.Tags ?? [],
    nodeMeta: metaFrom(Service.NodeMeta),
    meta: metaFrom(Service.ServiceMeta),
    connect: Service.Connect ?? false,
  };
  const asGiven = serviceFields(service);
  const bytes = Buffer.byteLength(JSON.stringify(asGiven));
  if (bytes > serviceBytesMax) throw refuse(`Service has ${bytes} bytes, the limit is ${serviceBytesMax}`);
  if (Type !== '') vetTemplate(Regexp, asGiven, 'Service');
  const template = { type: Type === '' ? '' : 'prefix', pattern: Regexp, removeEmptyTags: RemoveEmptyTags } as const;
  return { name: Name, session: Session, template, service, ttl: TTL };
}

type FailoverFields = NonNullable<NonNullable<PreparedQueryFields['Service']>['Failover']>;

function failoverFrom({ NearestN = 0, Datacenters, Targets }: FailoverFields): Failover {
  if (NearestN < 0) throw refuse(`Bad NearestN '${NearestN}', must be >= 0`);
  if (Targets !== undefined && Targets.length > 0 && (NearestN !== 0 || (Datacenters ?? []).length > 0)) {
    throw refuse('Targets cannot be populated with NearestN or Datacenters');
  }
  return {
    nearest: NearestN,
    datacenters: Datacenters ?? null,
    targets: Targets?.map(({ Peer = '', Datacenter = '' }) => ({ peer: Peer, datacenter: Datacenter })) ?? null,
  };
}

function vetTtl(ttl: string): void {
  const shown = ttl.slice(0, 80);
  let ns: number;
  try {
    ns = parseDuration(ttl);
  } catch (error) {
    throw refuse(`Bad DNS TTL '${shown}': ${error instanceof Error ? error.message : String(error)}`);
  }
  if (ns < 0) throw refuse(`DNS TTL '${shown}', must be >=0`);
}

function metaFrom(given: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  try {
    return vetMeta(given, 'Meta', 'allowed');
  } catch (error) {
    throw refuse(error instanceof Error ? error.message.replace(/^Invalid Meta: /, '') : String(error));
  }
}

function refuse(reason: string): RegistryError {
  return invalid(`Invalid prepared query: ${reason}`);
}
