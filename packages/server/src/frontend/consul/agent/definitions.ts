/**
 * Converts service and check definitions of the agent API to the registry's inputs, with the ids, names and defaults of
 * Consul's agent (`agent/agent.go`, `agent/structs/check_type.go`). Pure.
 *
 * Checks that run a program (script, Docker, OS service) are refused: Rollcall never executes
 * programs. UDP, HTTP/2 ping and alias checks are refused because the registry does not run them: their
 * status would never be measured.
 */

import type { CheckDefinition, CheckKind } from '@rollcall/protocol';
import type { CheckInput, InstanceInput } from '../../../registry/kind/catalog/commands.ts';
import { placeOf, serviceForeign } from '../catalog/definitions.ts';
import { invalid } from '../wire/errors.ts';
import { nsPerMs } from '../wire/go-duration.ts';
import {
  isStatus,
  vetMeta,
  vetName,
  vetPort,
  vetServiceAddress,
  vetTags,
  vetText,
  vetWeights,
} from '../wire/vetting.ts';
import type { AgentCheckFields, AgentServiceFields, CheckFields } from './schema.ts';

/** Consul raises shorter intervals to this (`checks.MinInterval`). */
const intervalMinMs = 1_000;
/** The shortest TTL that the registry accepts (`CheckDefinition.ttlMs`). */
const ttlMinMs = 1;
/** Consul raises shorter times to this (`agent/config/builder.go`, `CheckDeregisterIntervalMin`). */
const deregisterAfterMinMs = 60_000;

/** @throws RegistryError `invalid_argument` */
export function instanceInput(fields: AgentServiceFields): InstanceInput {
  const service = fields.Name ?? '';
  if (service === '') throw invalid('Missing service name');
  if (fields.Connect?.SidecarService !== undefined) {
    throw invalid('Invalid SidecarService: there is no service mesh; register the proxy as a service');
  }
  const given = fields.Weights;
  return {
    id: vetName(fields.ID || service, 'service ID'),
    service: vetName(service, 'service name'),
    address: vetServiceAddress(fields.Address ?? ''),
    port: vetPort(fields.Port ?? 0),
    tags: vetTags(fields.Tags ?? []),
    meta: vetMeta(fields.Meta ?? {}, 'Service Meta', 'reserved'),
    ...(given === undefined ? {} : vetWeights(given)),
    ...placeOf(fields.Locality),
    ...serviceForeign(fields),
  };
}

/** The checks of a service definition. @throws RegistryError `invalid_argument` */
export function serviceCheckInputs(fields: AgentServiceFields, instance: InstanceInput): CheckInput[] {
  const single = fields.Check === undefined || Object.keys(fields.Check).length === 0 ? [] : [fields.Check];
  const all = [...single, ...(fields.Checks ?? [])];
  return all.map((check, index) => {
    const { Status: status = '' } = check;
    if (status !== '' && !isStatus(status)) {
      throw invalid("Status for checks must 'passing', 'warning', 'critical'");
    }
    const numbered = all.length > 1 ? `:${index + 1}` : '';
    return {
      ...probeInput(check),
      id: vetName(check.CheckID || `service:${instance.id}${numbered}`, 'check ID'),
      name: check.Name || `Service '${instance.service}' check`,
      instance: instance.id,
    };
  });
}

/** @throws RegistryError `invalid_argument` */
export function agentCheckInput(fields: AgentCheckFields): CheckInput {
  const name = fields.Name ?? '';
  if (name === '') throw invalid('Missing check name');
  const { Status: status = '' } = fields;
  if (status !== '' && !isStatus(status)) throw invalid('Bad check status');
  const instance = vetName(fields.ServiceID ?? '', 'service ID');
  return {
    ...probeInput(fields),
    id: vetName(fields.ID || name, 'check ID'),
    name: vetText(name, 'check name'),
    ...(instance === '' ? {} : { instance }),
  };
}

/**
 * The fields that all kinds of definitions share. The status is for new checks only; an existing check
 * keeps its status (`services.ts`).
 */
function probeInput(fields: CheckFields): Pick<CheckInput, 'status' | 'notes' | 'type' | 'definition'> {
  const type = checkKind(fields);
  const { Status } = fields;
  return {
    ...(Status !== undefined && isStatus(Status) ? { status: Status } : {}),
    notes: fields.Notes ?? '',
    type,
    definition: definitionOf(fields, type),
  };
}

/** @throws RegistryError `invalid_argument`, in the order and with the texts of Consul's `CheckType.Validate` */
function checkKind(fields: CheckFields): CheckKind {
  const interval = fields.Interval ?? 0;
  const ttl = fields.TTL ?? 0;
  const script = (fields.ScriptArgs ?? []).length > 0;
  const probed =
    script ||
    [fields.HTTP, fields.TCP, fields.UDP, fields.GRPC, fields.MCP, fields.H2PING, fields.OSService].some(Boolean);
  const alias = Boolean(fields.AliasNode) || Boolean(fields.AliasService);
  const refuse = (reason: string) => invalid(`Invalid check: ${reason}`);
  if (interval > 0 && ttl > 0) throw refuse('Interval and TTL cannot both be specified');
  if (probed && interval <= 0) {
    throw refuse('Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks');
  }
  if (!probed && !alias && ttl <= 0) throw refuse('TTL must be > 0 for TTL checks');
  if ((fields.OutputMaxSize ?? 0) < 0) throw refuse('MaxOutputMaxSize must be positive');
  if ((fields.FailuresBeforeWarning ?? 0) > (fields.FailuresBeforeCritical ?? 0)) {
    throw refuse("FailuresBeforeWarning can't be higher than FailuresBeforeCritical");
  }
  if (script) throw refuse('script checks are never run here; use a TTL check and let the program report');
  for (const [name, value] of [
    ['UDP', fields.UDP],
    ['H2PING', fields.H2PING],
    ['OSService', fields.OSService],
    ['AliasNode', fields.AliasNode],
    ['AliasService', fields.AliasService],
    ['TCPUseTLS', fields.TCPUseTLS],
  ] as const) {
    if (value) throw refuse(`${name} is not supported; use a TTL, HTTP, TCP or GRPC check`);
  }
  if (fields.MCP) return 'mcp';
  if (fields.GRPC) return 'grpc';
  if (fields.HTTP) return 'http';
  return ttl > 0 ? 'ttl' : 'tcp';
}

function definitionOf(fields: CheckFields, type: CheckKind): CheckDefinition {
  const ms = (ns: number | undefined) => (ns === undefined || ns <= 0 ? undefined : ns / nsPerMs);
  const deregisterAfterMs = ms(fields.DeregisterCriticalServiceAfter);
  const intervalMs = ms(fields.Interval);
  return defined<CheckDefinition>({
    ttlMs: type === 'ttl' ? Math.max(ms(fields.TTL) ?? 0, ttlMinMs) : undefined,
    intervalMs: type === 'ttl' || intervalMs === undefined ? undefined : Math.max(intervalMs, intervalMinMs),
    timeoutMs: ms(fields.Timeout),
    http: type === 'http' ? fields.HTTP : undefined,
    method: fields.Method || undefined,
    header: fields.Header,
    body: fields.Body || undefined,
    tcp: type === 'tcp' ? fields.TCP : undefined,
    grpc: type === 'grpc' ? fields.GRPC : undefined,
    mcp: type === 'mcp' ? fields.MCP : undefined,
    grpcUseTls: fields.GRPCUseTLS || undefined,
    tlsServerName: fields.TLSServerName || undefined,
    tlsSkipVerify: fields.TLSSkipVerify || undefined,
    successBeforePassing: positive(fields.SuccessBeforePassing),
    failuresBeforeWarning: positive(fields.FailuresBeforeWarning),
    failuresBeforeCritical: positive(fields.FailuresBeforeCritical),
    deregisterCriticalAfterMs:
      deregisterAfterMs === undefined ? undefined : Math.max(deregisterAfterMs, deregisterAfterMinMs),
  });
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

/** Leaves out what is undefined. */
function defined<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
