/** The JSON API of webhooks: lists, sets, deletes and tests them. It sends nothing itself (`webhooks/`), and no answer of it has a secret. */

import { createHash } from 'node:crypto';
import { RegistryError, type Done, type ShownWebhook, type WebhookList, type WebhookOutcome } from '@rollcall/protocol';
import { readBody } from '../../net/body.ts';
import { errorBody } from '../../net/error-body.ts';
import type { Context, Frontend } from '../../net/frontend.ts';
import { parseBody } from '../../net/json-body.ts';
import { requestNamespace } from '../../net/request-namespace.ts';
import { routedFrontend, sendText, type RoutedCall } from '../../net/routed-frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import { webhookLimits as limits } from '../../registry/kind/webhook/commands.ts';
import { countWebhooks, findWebhook, webhooksIn } from '../../registry/kind/webhook/find.ts';
import type { WebhookRow } from '../../registry/kind/webhook/rows.ts';
import type { Webhooks } from '../../webhooks/webhooks.ts';
import { prefix, routes, setBody, type SetBody } from './routes.ts';

const json = 'application/json';
const bodyBytesMax = 65_536;

interface Asked {
  readonly namespace: string;
  /** Empty when the query has none. */
  readonly name: string;
  readonly call: RoutedCall;
}

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function webhooks(context: Context, sender: Webhooks): Frontend {
  const { registry, security: { acl, gate } } = context;

  const shown = (row: WebhookRow): ShownWebhook => {
    const { name, url, events, services, forMs, disabled = false } = row;
    const { last, lastSuccess, lastFailure, gap, ...known } = sender.deliveriesOf(row);
    const ended = { ...(lastSuccess === undefined ? {} : { lastSuccess }), ...(lastFailure === undefined ? {} : { lastFailure }), ...(gap === undefined ? {} : { gap }) };
    return { name, url, events, ...(services === undefined ? {} : { services }), forMs, disabled, ...known, ...ended, deliveries: last };
  };

  const list = ({ namespace, name }: Asked): WebhookList => {
    if (name === '') return { webhooks: [...webhooksIn(registry.state, namespace)].sort((a, b) => (a.name < b.name ? -1 : 1)).map(shown) };
    return { webhooks: [shown(found(findWebhook(registry.state, namespace, name), name))] };
  };

  const set = async ({ namespace, name, call }: Asked): Promise<Done> => {
    const { disabled, forMs, secret, services, url, events } = parseBody(await readBody(call.exchange.request, bodyBytesMax), setBody) as SetBody;
    if (findWebhook(registry.state, namespace, name) === undefined && countWebhooks(registry.state, namespace) >= limits.webhooksMax) {
      throw new RegistryError('resource_exhausted', `the namespace has ${limits.webhooksMax} webhooks, which is the limit; delete one that is not needed`);
    }
    await registry.submit({
      ...{ kind: 'webhook-set', namespace, name, url, events },
      ...(secret === undefined ? {} : { secret }),
      ...(services === undefined ? {} : { services }),
      ...(forMs === undefined ? {} : { forMs }),
      ...(disabled === undefined ? {} : { disabled }),
    });
    return { done: true };
  };

  const writes: Readonly<Record<string, (asked: Asked) => Promise<Done | WebhookOutcome>>> = {
    [`PUT ${prefix}`]: set,
    [`DELETE ${prefix}`]: async ({ namespace, name }) => ({ done: await registry.submit({ kind: 'webhook-delete', namespace, name }) }),
    [`POST ${prefix}/test`]: ({ namespace, name }) => sender.test(namespace, name),
  };

  const answer = async (call: RoutedCall, path: string): Promise<void> => {
    const { caller, origin, exchange } = call;
    const { request, response, query } = exchange;
    const namespace = requestNamespace(caller, exchange);
    const asked: Asked = { namespace, name: new URLSearchParams(query).get('name') ?? '', call };
    const write = writes[`${request.method} ${path}`];
    acl.authorize(caller, namespace, 'operator', write === undefined ? 'read' : 'write');
    if (write === undefined) {
      const text = JSON.stringify(list(asked));
      // A page that asks every second gets an answer only when something has changed.
      const tag = `"${createHash('sha1').update(text).digest('base64url')}"`;
      response.setHeader('ETag', tag);
      if (request.headers['if-none-match'] === tag) response.writeHead(304).end();
      else sendText(response, 200, json, text);
      return;
    }
    if (asked.name === '') throw new RegistryError('invalid_argument', 'the query lacks name');
    const answered = await write(asked);
    gate.record('write', caller, namespace, origin, `${request.method} ${path} of ${JSON.stringify(asked.name)}`);
    sendText(response, 200, json, JSON.stringify(answered));
  };

  return routedFrontend(context, {
    name: 'webhooks',
    prefixes: [prefix],
    routes: routes.map((route) => ({ ...route, pattern: new RegExp(`^${route.path}$`), run: (call) => answer(call, route.path) })),
    sendError: (response, failure) => sendText(response, failure.status ?? statusByCode[failure.code], json, JSON.stringify(errorBody(context.security.acl, failure))),
  });
}

function found(row: WebhookRow | undefined, name: string): WebhookRow {
  if (row !== undefined) return row;
  throw new RegistryError('not_found', `there is no webhook ${JSON.stringify(name.slice(0, 80))}`);
}
