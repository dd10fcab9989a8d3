/**
 * The front end of operators' actions on instances: drain, take out of service, override weights, check now, deregister; one request for many
 * instances, with a dry run and the request that takes it back. Decisions are those of the catalog; this file translates.
 */

import type { ActionAnswer } from '@rollcall/protocol';
import { inTurns } from '../../in-turns.ts';
import { readBody } from '../../net/body.ts';
import { errorBody } from '../../net/error-body.ts';
import type { Context, Frontend } from '../../net/frontend.ts';
import { namespaceIn, requestNamespace } from '../../net/request-namespace.ts';
import { routedFrontend, sendText, type RoutedCall } from '../../net/routed-frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import { plan, type Plan } from './plan.ts';
import { readRequest, type ActionRequest } from './request.ts';
import { path, surface } from './routes.ts';
import { run, type Done } from './run.ts';
import { watchingClients } from './watching-clients.ts';

const json = 'application/json';
const bodyBytesMax = 1_048_576;
/** Instances looked at between two turns of the event loop: some 3 ms. */
const instancesPerTurn = 1_024;
/** A line of the audit log has about 1,000 characters: the ids of the instances that fit beside a reason. */
const auditedCharactersMax = 400;

export function actions(context: Context): Frontend {
  return routedFrontend(context, {
    name: 'actions',
    prefixes: [path],
    routes: [{ ...surface.act, run: act }],
    sendError: (response, failure) => sendText(response, failure.status ?? statusByCode[failure.code], json, JSON.stringify(errorBody(context.security.acl, failure))),
  });
}

async function act(call: RoutedCall): Promise<void> {
  const { context, caller, exchange } = call;
  const { acl } = context.security;
  const request = readRequest(await readBody(exchange.request, bodyBytesMax));
  const namespace = request.namespace === undefined ? requestNamespace(caller, exchange) : namespaceIn(caller, request.namespace);
  const services = new Set(request.instances.map(({ service }) => service));
  // A caller that may do none of it gets the denial alone.
  if ([...services].every((service) => !caller.authorizer.allows(namespace, 'service', 'write', service))) acl.authorize(caller, namespace, 'service', 'write', request.instances[0]?.service);
  const planned = await inTurns(plan(context.registry.state, namespace, request, (service) => acl.authorize(caller, namespace, 'service', 'write', service)), instancesPerTurn);
  const [done, clients] = await Promise.all([
    request.dryRun ? nothing : run(context, request, planned, { by: acl.nameOf(caller), reason: request.reason }),
    request.action === 'check' ? undefined : watchingClients(context, namespace, new Set(planned.meant.map(({ row }) => row.service))),
  ]);
  if (!request.dryRun) record(call, namespace, request, planned, done);
  sendText(exchange.response, 200, json, JSON.stringify(answerOf(context, namespace, request, planned, { ...done, clients })));
}

const nothing: Done = { refused: [], changed: [] };

function answerOf({ security: { acl } }: Context, namespace: string, { action, dryRun }: ActionRequest, { meant, refused, of, leaves, returns, left }: Plan, done: Done & { readonly clients: number | undefined }): ActionAnswer {
  const all = [...refused, ...done.refused];
  const undo = done.changed.map(({ row: { service, node, id }, before, after }) => ({ service, node, id, to: before, expected: after }));
  return {
    ...{ applied: meant.length - done.refused.length, of, leaves, returns, left, clients: done.clients ?? null },
    refused: all.map(({ service, node, id, ...error }) => ({ service, node, id, ...errorBody(acl, error) })),
    ...(done.checks === undefined ? {} : { checks: done.checks }),
    undo: undo.length === 0 ? null : { namespace, action: 'restore', instances: undo, reason: `takes back: ${action}` },
    dryRun,
  };
}

/** A line for every few instances of a service, each with the reason. */
function record({ context, caller, origin }: RoutedCall, namespace: string, { action, weight, reason }: ActionRequest, { meant }: Plan, { refused }: Done): void {
  const failed = new Set(refused.map(({ node, id }) => `${node}\0${id}`));
  const verb = action === 'weight' ? `weight ${weight ?? 'own'}` : action;
  const why = reason === '' ? '' : `: ${reason}`;
  const byService = new Map<string, string[]>();
  for (const { row } of meant) {
    if (failed.has(`${row.node}\0${row.id}`)) continue;
    byService.set(row.service, [...(byService.get(row.service) ?? []), row.node === '' ? row.id : `${row.id} on ${row.node}`]);
  }
  const write = (service: string, ids: readonly string[]) => context.security.gate.record('write', caller, namespace, origin, `${verb} ${service}: ${ids.join(', ')}${why}`);
  for (const [service, ids] of byService) {
    let some: string[] = [];
    let characters = 0;
    for (const id of ids) {
      if (some.length > 0 && characters + id.length > auditedCharactersMax) {
        write(service, some);
        some = [];
        characters = 0;
      }
      some.push(id);
      characters += id.length + 2;
    }
    if (some.length > 0) write(service, some);
  }
}

