/**
 * `/v1/session/`: sessions, which hold locks and end with their TTL, their node or their checks. This file decodes
 * requests; `health/sessions.ts` grants twice the TTL, and `registry/kind/catalog/remove.ts` writes lock delays.
 */

import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import type { AgentNode } from '../../../net/agent-node.ts';
import { inOrder, order, select } from '../../../net/slices.ts';
import { serfHealth } from '../../../registry/kind/catalog/known-checks.ts';
import { checkKey } from '../../../registry/kind/catalog/keys.ts';
import type { SessionCreate, SessionDestroy } from '../../../registry/kind/session/commands.ts';
import { allSessions, findSession } from '../../../registry/kind/session/find.ts';
import type { CheckRef } from '../../../registry/kind/session/rows.ts';
import { sessionView, sessionsView } from '../../../registry/kind/session/views.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import type { Json } from '../../../registry/row.ts';
import { State } from '../../../registry/state.ts';
import { enrol } from '../agent/enrolment.ts';
import { decodeOptionalBody } from '../request/body.ts';
import { type Call, principal } from '../request/call.ts';
import { commandEndpoint, endpoint } from '../request/endpoint.ts';
import { type Permission, permission } from '../request/permission.ts';
import { type Asked, formOf, jsonBody, type Query, restOf } from '../request/query.ts';
import { namespaceIn, placed } from '../request/scope.ts';
import { agentOf } from '../request/virtual-agent.ts';
import { invalid } from '../wire/errors.ts';
import { keep } from '../wire/foreign.ts';
import { nsPerMs, parseDuration } from '../wire/go-duration.ts';
import { writeList } from '../wire/json-writer.ts';
import { unescapePath } from '../wire/params.ts';
import { trueBody } from '../wire/responses.ts';
import { vetName, vetText } from '../wire/vetting.ts';
import { type SessionFields, sessionRequest } from './schema.ts';
import { sessionJson } from './session-json.ts';

/** `session_ttl_min` and `SessionTTLMax` of Consul. */
const ttlMinMs = 10_000;
const ttlMaxMs = 86_400_000;

/** Consul's defaults and cap (`agent/session_endpoint.go`, `MaxLockDelay`). */
const lockDelayDefaultNs = 15e9;
const lockDelayMaxNs = 60e9;
/** A smaller number counts as seconds, not as nanoseconds. */
const lockDelayNsMin = 1_000;

/** `GET /v1/session/list` */
export function list(asked: Asked): Query {
  return sessionsQuery('sessions', asked, () => true);
}

/** `GET /v1/session/node/:node` */
export function onNode(asked: Asked): Query {
  const node = restOf(asked, 'node name');
  return sessionsQuery(`sessions of ${node}`, asked, (row) => row.node === node);
}

function sessionsQuery(
  name: string,
  asked: Asked,
  wanted: (row: RowOf<'session'>) => boolean,
): Query {
  const { namespace, params } = asked;
  return {
    view: sessionsView(namespace),
    name: `${formOf(asked)} ${name}`,
    shows: ['session'],
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      const seen = (row: RowOf<'session'>) => wanted(row) && visible.includes('session', row.node);
      const rows = yield* select(allSessions(state, namespace), seen, out.pace);
      yield* writeList(out, yield* inOrder(rows, (a, b) => order(a.id, b.id), out.pace), (row) => placed(asked, row, sessionJson(row)));
    },
  };
}

/** `GET /v1/session/info/:id`: an empty list for an unknown session. */
export function info(asked: Asked): Query {
  const id = restOf(asked, 'session');
  const body = jsonBody(asked.params);
  return {
    view: sessionView(asked.namespace, id),
    name: `${formOf(asked)} session`,
    shows: ['session'],
    encode: (state, visible) => {
      const row = findSession(state, asked.namespace, id);
      return body(row === undefined || !visible.includes('session', row.node) ? [] : [placed(asked, row, sessionJson(row))]);
    },
  };
}

interface Creation {
  readonly agent: AgentNode;
  readonly node: string;
  /** The session without its id. */
  readonly session: Omit<SessionCreate, 'id'>;
}

/** `PUT /v1/session/create`; the body may be empty. */
export const create = endpoint({
  decode: async (incoming): Promise<Creation> => {
    const agent = agentOf(incoming.exchange.request, incoming.identity);
    const fields = await decodeOptionalBody(incoming, sessionRequest);
    const node = fields.Node ?? agent.name;
    if (node === '') throw invalid('Must provide Node');
    return { agent, node, session: sessionOf(namespaceIn(incoming, fields.Namespace), fields, vetName(node, 'node name')) };
  },
  permissions: ({ node, session: { namespace } }) => [{ ...permission('session', 'write', node), namespace }],
  answer: async ({ agent, node, session }, { context, params }) => {
    const id = context.uuid();
    // Consul's agents always exist; here the first call that needs it creates an agent's node.
    if (node === agent.name) await enrol(context, agent);
    await context.registry.submit({ ...session, id });
    return jsonBody(params)({ ID: id });
  },
});

function sessionOf(namespace: string, fields: SessionFields, node: string): Omit<SessionCreate, 'id'> {
  const behavior = fields.Behavior || 'release';
  if (behavior !== 'release' && behavior !== 'delete') {
    throw invalid(`Invalid Behavior setting '${behavior.slice(0, 80)}'`);
  }
  const { nodeChecks, checks } = checksOf(fields);
  const serviceChecks = fields.ServiceChecks ?? [];
  const bound = new Map<string, CheckRef>();
  const bind = (of: string, id: string) => bound.set(checkKey(of, node, vetName(id, 'check ID')), { namespace: of, id });
  for (const id of nodeChecks) bind(defaultNamespace, id);
  for (const { ID = '' } of serviceChecks) bind(namespace, ID);
  for (const id of checks) bind(defaultNamespace, id);
  return {
    kind: 'session-create',
    namespace,
    name: vetText(fields.Name ?? '', 'session name'),
    node,
    liveness: 'ttl',
    ttlMs: ttlOf(fields.TTL ?? ''),
    lockDelayMs: lockDelayOf(fields.LockDelay) / nsPerMs,
    behavior,
    checks: [...bound.values()],
    ...keep({
      // Returned as written: `15.0s` stays `15.0s`.
      TTL: fields.TTL || undefined,
      NodeChecks: nodeChecks,
      ServiceChecks: serviceChecks.length === 0 ? undefined : serviceChecks.map(serviceCheckJson),
      Checks: checks.length === 0 ? undefined : checks,
    }),
  };
}

/** `Checks` is the name of `NodeChecks` before Consul 1.7; an empty list of either means no check. */
function checksOf({ NodeChecks, Checks }: SessionFields): { nodeChecks: string[]; checks: string[] } {
  if (Checks !== undefined && Checks.length === 0) return { nodeChecks: [], checks: [] };
  const nodeChecks = NodeChecks ?? [serfHealth];
  const standard = Checks?.length === 1 && Checks[0] === serfHealth;
  return { nodeChecks, checks: Checks === undefined || standard || nodeChecks.length === 0 ? [] : Checks };
}

function serviceCheckJson(check: { readonly ID?: string; readonly Namespace?: string }): Json {
  return { ID: check.ID ?? '', Namespace: check.Namespace ?? '' };
}

/** @throws RegistryError `failed_precondition` if out of range: Patroni looks for that 500 and its text */
function ttlOf(text: string): number {
  if (text === '') return 0;
  let ns: number;
  try {
    ns = parseDuration(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : '';
    throw invalid(`Session TTL '${text.slice(0, 80)}' invalid: ${reason}`);
  }
  const ms = ns / nsPerMs;
  if (ms !== 0 && (ms < ttlMinMs || ms > ttlMaxMs)) {
    const message = `Invalid Session TTL '${ns}', must be between [10s=24h0m0s]`;
    throw new RegistryError('failed_precondition', message);
  }
  return ms;
}

/** @returns nanoseconds */
function lockDelayOf(given: Json | undefined): number {
  if (given === undefined || given === null) return lockDelayDefaultNs;
  if (typeof given !== 'string' && typeof given !== 'number') return 0;
  const ns = typeof given === 'string' ? decodeDelay(given) : given;
  return Math.min(lockDelayMaxNs, Math.max(0, ns < lockDelayNsMin ? ns * 1e9 : ns));
}

function decodeDelay(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw invalid(`Request decode failed: ${error instanceof Error ? error.message : ''}`);
  }
}

function* forSession(id: string, state: State, { namespace }: Pick<Call, 'namespace'>): Iterable<Permission> {
  const row = findSession(state, namespace, id);
  if (row !== undefined) yield permission('session', 'write', row.node);
}

/** `PUT /v1/session/destroy/:id`: true even if it did not exist. */
export const destroy = commandEndpoint({
  decode: (incoming) => restOf(incoming, 'session'),
  permissions: forSession,
  command: (id, { namespace }): SessionDestroy => ({ kind: 'session-destroy', namespace, id }),
  answer: () => trueBody,
});

/** `PUT /v1/session/renew/:id`: no command, since only health tracks the TTL of a session. */
export const renew = endpoint({
  decode: ({ rest }) => {
    const id = unescapePath(rest);
    if (id === '') throw invalid('Missing session');
    return id;
  },
  permissions: forSession,
  answer: (id, call) => {
    const { namespace, context: { registry, health } } = call;
    const row = findSession(registry.state, namespace, id);
    // A session whose end has begun does not exist for clients, though its row still does.
    const alive = row !== undefined && (row.ttlMs === 0 || health.renewSession(namespace, id, principal(call), call.exchange.request.socket));
    if (!alive) throw new RegistryError('not_found', `Session id '${id.slice(0, 512)}' not found`);
    return jsonBody(call.params)([placed(call, row, sessionJson(row))]);
  },
});
