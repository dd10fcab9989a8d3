/**
 * The JSON API of keys for pages and programs that show them: names under a prefix, folder by folder, without values. Values are read and written by
 * the native stream or Consul's API. It keeps nothing but encoded answers.
 */

import type { ServerResponse } from 'node:http';
import { defaultNamespace, frameLimits as limits, isNamespaceName, RegistryError } from '@rollcall/protocol';
import { errorBody } from '../../net/error-body.ts';
import type { Context, Frontend } from '../../net/frontend.ts';
import { ListBodies, takesGzip } from '../../net/list-bodies.ts';
import { pastOf } from '../../net/past.ts';
import { routedFrontend, sendText, type RoutedCall } from '../../net/routed-frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { prefixView } from '../../registry/kind/kv/views.ts';
import { namespaceFor } from '../../security/hidden-namespace.ts';
import { keyCount, keyList, type KeyQuestion } from './key-list.ts';
import { described, entriesMax, prefix } from './routes.ts';

const json = 'application/json';
/** The end of a folder is one character longer than a key may be. */
const textMax = limits.keyMax + 1;

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function keys(context: Context): Frontend {
  const lists = new ListBodies(context, 'keys');
  // Numbers of viewers mean nothing to another process.
  const process = context.uuid().slice(0, 8);

  const run = async ({ exchange, caller }: RoutedCall, form: 'list' | 'count'): Promise<void> => {
    const { request, response, query } = exchange;
    const params = new URLSearchParams(query);
    const question = questionIn(params, namespaceFor(caller, namespaceIn(params)));
    const { authorizer } = caller;
    const { views } = context.registry;
    const past = await pastOf(context.history, exchange);
    const revision = (): number => past?.revision ?? views.revision(prefixView(question.namespace, question.prefix));
    const viewer = lists.viewerOf(authorizer, authorizer.allowsAll(question.namespace, 'key', 'write'));
    const tag = `"${process}-${viewer}-${past === undefined ? '' : `${past.atMs}-`}${revision()}"`;
    response.setHeader('ETag', tag);
    if (request.headers['if-none-match'] === tag) {
      response.writeHead(304).end();
      return;
    }
    const { turns: { pace } } = lists;
    const make = (frozen: Frozen) => (form === 'list' ? keyList : keyCount)(frozen, authorizer, question, pace);
    const { body, gzip } = await lists.find(response, { name: JSON.stringify([form, question, past?.atMs]), form: 'json', viewer, revision, make, ...(past === undefined ? {} : { at: past.frozen }) }, takesGzip(request.headers));
    if (body !== undefined) lists.send(response, { contentType: json, vary: 'Accept-Encoding' }, body, gzip);
  };

  return routedFrontend(context, {
    name: 'keys',
    prefixes: [prefix],
    routes: described.map(({ path, methods, access }) => ({ path, methods, access, pattern: new RegExp(`^${path}$`), run: (call) => run(call, path === prefix ? 'list' : 'count') })),
    sendError: (response: ServerResponse, failure) => sendText(response, failure.status ?? statusByCode[failure.code], json, JSON.stringify(errorBody(context.security.acl, failure))),
    close: () => lists.idle(),
  });
}

function questionIn(params: URLSearchParams, namespace: string): KeyQuestion {
  const limit = params.has('limit') ? Number(params.get('limit')) : entriesMax;
  if (!Number.isInteger(limit) || limit < 1 || limit > entriesMax) throw new RegistryError('invalid_argument', `limit is ${String(params.get('limit')).slice(0, 20)}, it must be from 1 to ${entriesMax}`);
  return { namespace, prefix: textIn(params, 'prefix'), separator: textIn(params, 'separator', 16), after: textIn(params, 'after'), limit };
}

function textIn(params: URLSearchParams, name: string, max = textMax): string {
  const text = params.get(name) ?? '';
  if (text.length <= max) return text;
  throw new RegistryError('invalid_argument', `${name} has ${text.length} characters, the limit is ${max}`);
}

function namespaceIn(params: URLSearchParams): string {
  const name = params.get('namespace') ?? '';
  if (name === '') return defaultNamespace;
  if (isNamespaceName(name)) return name;
  throw new RegistryError('invalid_argument', `namespace ${JSON.stringify(name.slice(0, 80))} is not a DNS label of letters, digits and hyphens, 63 characters at most`);
}
