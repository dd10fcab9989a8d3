/** Converts the definition of a prepared query in a request to the stored query, with Consul's rules and texts. */

import type { RegistryError } from '@rollcall/protocol';
import { faultOf } from '../../../registry/kind/query/template.ts';
import type { TemplateFault, TextFault } from '../../../registry/kind/query/template-fault.ts';
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
  const fault = Type === '' ? undefined : faultOf(Regexp, asGiven, 'Service');
  if (fault !== undefined) throw invalid(`failed compiling template: ${faultText(fault)}`);
  const template = { type: Type === '' ? '' : 'prefix', pattern: Regexp, removeEmptyTags: RemoveEmptyTags } as const;
  return { name: Name, session: Session, template, service, ttl: TTL };
}

/** A fault of a template as Consul tells it (`agent/consul/prepared_query/template.go`, and the parser of HIL). */
function faultText(fault: TemplateFault): string {
  if (fault.what === 'pattern') return `Bad Regexp: ${fault.reason}`;
  const { path, text, column, reason } = fault;
  if (reason.kind !== 'expected') return `Bad evaluation for '${text}' in ${path}: 1:${column}: ${evaluationText(reason)}`;
  const expected = reason.expected === 'expression' ? reason.expected : JSON.stringify(reason.expected);
  const found = reason.found === undefined ? 'end of string' : JSON.stringify(reason.found);
  return `Bad format '${text}' in ${path}: parse error at 1:${column}: expected ${expected} but found ${found}`;
}

function evaluationText(reason: Exclude<TextFault, { kind: 'expected' }>): string {
  switch (reason.kind) {
    case 'unknown-variable':
      return `unknown variable accessed: ${reason.name}`;
    case 'unknown-function':
      return `unknown function called: ${reason.name}`;
    case 'arguments':
      return `match: expected 1 arguments, got ${reason.count}`;
    case 'no-number':
      return `match: its argument must be a number, not ${reason.argument.slice(0, 80)}`;
  }
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
