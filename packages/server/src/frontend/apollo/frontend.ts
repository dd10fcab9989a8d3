/**
 * The front end for Apollo's clients: the meta server and the config service. It holds no registry state; the last answer of a configuration is kept
 * with its release.
 *
 *   request ─► app has access keys? signature ─► caller ─► layers ─► values ─► answer · 304 · wait
 */

import type { ServerResponse } from 'node:http';
import { isNamespaceName, RegistryError } from '@rollcall/protocol';
import { plainAddress } from '../../net/agent-node.ts';
import { mayReveal } from '../../net/config-layers.ts';
import type { Context, Frontend } from '../../net/frontend.ts';
import { routedFrontend, sendText, type Failure, type RoutedCall } from '../../net/routed-frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import type { ConfigReader } from '../../registry/kind/config/given.ts';
import { defaultCluster } from '../../registry/kind/config/keys.ts';
import type { Layer } from '../../registry/kind/config/resolve.ts';
import type { ReleaseRow } from '../../registry/kind/config/rows.ts';
import type { Caller } from '../../security/acl.ts';
import { namespaceFor } from '../../security/hidden-namespace.ts';
import { signingKey, type AccessKeys } from './access-keys.ts';
import { candidates, fileOf, findLayers, hasKeys, releaseKeyOf, valuesOf } from './found.ts';
import { Notifications, readEntries } from './notifications.ts';
import { prefixes, surface } from './routes.ts';

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function apollo(context: Context, keys: AccessKeys): Frontend {
  const service = new ConfigService(context);
  return routedFrontend(context, {
    name: 'apollo',
    prefixes,
    routes: [
      { ...surface.services, run: (call) => service.services(call) },
      { ...surface.configs, run: (call) => service.configs(call) },
      { ...surface.files, run: (call) => service.files(call) },
      { ...surface.notifications, run: (call) => service.notifications(call) },
    ],
    enter: (call) => enter(context, keys, call),
    sendError,
    close: () => service.close(),
  });
}

/** @returns undefined for an app without keys: its token decides, as everywhere */
function enter({ clock, security: { gate } }: Context, keys: AccessKeys, { exchange, origin, parts }: Omit<RoutedCall, 'caller'>): Promise<Caller> | undefined {
  const { request, path, query } = exchange;
  if (path.endsWith('/services/config')) return undefined;
  const app = parts['app'] ?? new URLSearchParams(query).get('appId') ?? '';
  const ofApp = keys.get(app);
  if (ofApp === undefined) return undefined;
  // A wrong signature counts as a wrong token.
  return gate.prove(origin, () => {
    const target = query === '' ? path : `${path}?${query}`;
    return Promise.resolve(gate.enter(signingKey(ofApp, app, request, target, clock.now()).token, origin));
  });
}

interface Kept {
  readonly key: string;
  readonly values: ReadonlyMap<string, string>;
  readonly json: string;
}

class ConfigService {
  readonly #context: Context;
  readonly #notifications: Notifications;
  /** By the first release of an answer. */
  readonly #kept = new WeakMap<ReleaseRow, Kept>();

  constructor(context: Context) {
    this.#context = context;
    this.#notifications = new Notifications(context);
  }

  close(): void {
    this.#notifications.close();
  }

  /** This server, at the address that the client has used. */
  services({ exchange: { request, response }, parts }: RoutedCall): void {
    const scheme = 'encrypted' in request.socket ? 'https' : 'http';
    const folder = parts['environment'] === undefined ? '' : `apollo/${encodeURIComponent(parts['environment'])}/`;
    const { identity } = this.#context;
    sendText(response, 200, 'application/json', JSON.stringify([{ appName: 'APOLLO-CONFIGSERVICE', instanceId: identity.nodeId, homepageUrl: `${scheme}://${request.headers.host ?? ''}/${folder}` }]));
  }

  configs(call: RoutedCall): void {
    const { exchange: { response, query }, parts } = call;
    const layers = this.#layers(call);
    const [first] = layers;
    if (first === undefined) throw missing(call);
    const releaseKey = releaseKeyOf(layers);
    if (new URLSearchParams(query).get('releaseKey') === releaseKey) {
      response.writeHead(304).end();
      return;
    }
    const head = JSON.stringify({ appId: parts['app'], cluster: first.row.cluster, namespaceName: parts['name'] }).slice(0, -1);
    sendText(response, 200, 'application/json;charset=UTF-8', `${head},"configurations":${this.#values(call, layers).json},"releaseKey":${JSON.stringify(releaseKey)}}`);
  }

  files(call: RoutedCall): void {
    const { exchange: { response }, parts } = call;
    const layers = this.#layers(call);
    if (layers.length === 0) throw missing(call);
    const { values, json } = this.#values(call, layers);
    if (parts['form'] === 'json') sendText(response, 200, 'application/json;charset=UTF-8', json);
    else sendText(response, 200, 'text/plain;charset=UTF-8', fileOf(values, layers));
  }

  notifications(call: RoutedCall): Promise<void> | void {
    const params = new URLSearchParams(call.exchange.query);
    const app = params.get('appId') ?? '';
    const cluster = params.get('cluster') ?? '';
    if (app === '' || cluster === '') throw new RegistryError('invalid_argument', 'appId and cluster are missing');
    const asked = { environment: environmentOf(call), app, cluster, reader: readerOf(call, app, cluster), entries: readEntries(params.get('notifications') ?? '') };
    return this.#notifications.poll(call, asked, () => {
      const asking = { context: this.#context, caller: this.#context.security.acl.refresh(call.caller) };
      for (const { namespaceName } of asked.entries) findLayers(asking, candidates(this.#context.registry.state, asked.environment, app, { namespaceName, place: asked.reader }), asked.reader);
    });
  }

  #layers(call: RoutedCall): readonly Layer[] {
    const { app = '', cluster = '', name = '' } = call.parts;
    const reader = readerOf(call, app, cluster);
    return findLayers(call, candidates(this.#context.registry.state, environmentOf(call), app, { namespaceName: name, place: reader }), reader);
  }

  #values(call: RoutedCall, layers: readonly Layer[]): Kept {
    const [first] = layers;
    // Clients of one app differ in what they may see.
    const key = `${releaseKeyOf(layers)} ${layers.map(({ release }) => (mayReveal(call, release) ? 1 : 0)).join('')} ${hasKeys(layers)}`;
    const kept = first && this.#kept.get(first.release);
    if (kept?.key === key) return kept;
    const values = valuesOf(call, layers);
    const made = { key, values, json: `{${Array.from(values, ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}` };
    if (first !== undefined) this.#kept.set(first.release, made);
    return made;
  }
}

function missing({ parts: { app, cluster, name } }: RoutedCall): RegistryError {
  return new RegistryError('not_found', `could not load configurations with appId: ${app}, clusterName: ${cluster}, namespace: ${name}`);
}

/** @throws RegistryError `invalid_argument` */
function environmentOf({ caller, parts }: RoutedCall): string {
  const named = parts['environment'] ?? caller.namespace;
  if (!isNamespaceName(named)) throw new RegistryError('invalid_argument', `environment ${JSON.stringify(named.slice(0, 80))} is not a DNS label of letters, digits and hyphens, 63 characters at most`);
  return namespaceFor(caller, named);
}

/** A client says its address and label; only rollouts go by them. */
function readerOf({ exchange: { query }, origin }: RoutedCall, app: string, cluster: string): ConfigReader {
  const params = new URLSearchParams(query);
  const label = params.get('label') ?? '';
  const datacentre = params.get('dataCenter') ?? '';
  return {
    ...{ app, address: params.get('ip') || plainAddress(origin.address) },
    ...(cluster === '' || cluster === defaultCluster ? {} : { cluster }),
    ...(datacentre === '' ? {} : { datacentre }),
    ...(label === '' ? {} : { labels: { label } }),
  };
}

/** As Spring Boot's server of Apollo writes them; clients look at the status. */
function sendError(response: ServerResponse, { code, message, status = statusByCode[code] }: Failure): void {
  sendText(response, status, 'application/json', JSON.stringify({ status, message, exception: code }));
}
