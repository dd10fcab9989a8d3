/**
 * The front end for clients of Spring Cloud Config: environments, merged files and plain files. It holds no registry state; flat values are kept
 * with the release that they are of.
 *
 *   request ─► names of configurations in Spring's order ─► layers of each ─► flat values ─► sources · one file
 */

import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { isConfigFormat, formatOfName, mediaTypeOf, RegistryError, type ConfigFormat } from '@rollcall/protocol';
import { plainAddress } from '../../net/agent-node.ts';
import { layersFor, mayReveal, shownContent } from '../../net/config-layers.ts';
import type { Context, Frontend } from '../../net/frontend.ts';
import { requestNamespace } from '../../net/request-namespace.ts';
import { routedFrontend, sendText, type Failure, type RoutedCall } from '../../net/routed-frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import type { ConfigReader } from '../../registry/kind/config/given.ts';
import type { Layer } from '../../registry/kind/config/resolve.ts';
import type { ReleaseRow } from '../../registry/kind/config/rows.ts';
import { newBudget, replacePlaceholders } from './placeholders.ts';
import { printFile, type Ending } from './print.ts';
import { prefix, surface } from './routes.ts';
import { fileNames, readWanted, sourceNames, type SourceName, type Wanted } from './sources.ts';

/** Values with their origins may be sent to clients that ask for this type; plain values are allowed in it, too. */
const versionTwo = 'application/vnd.spring-cloud.config-server.v2+json';

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function springConfig(context: Context): Frontend {
  const environments = new Environments(context);
  const merged = (call: RoutedCall) => environments.merged(call);
  const environment = (call: RoutedCall) => environments.environment(call);
  const labelled = (call: RoutedCall) => (isOfDefaultLabel(call) ? environments.file(withoutLabel(call)) : environments.environment(call));
  return routedFrontend(context, {
    name: 'spring-config',
    prefixes: [prefix],
    routes: [
      { ...surface.key, run: noEncryption },
      { ...surface.encryption, run: noEncryption },
      { ...surface.merged, run: merged },
      { ...surface.labelledMerged, run: merged },
      { ...surface.environment, run: environment },
      { ...surface.labelledEnvironment, run: labelled },
      { ...surface.file, run: (call) => environments.file(call) },
    ],
    // Spring's client has a token of its own for the server, besides a user and a password.
    token: ({ headers }) => headers['x-config-token'],
    sendError,
  });
}

/** As Spring's server answers without a key. */
function noEncryption({ exchange: { response } }: RoutedCall): void {
  const description = 'Values are not encrypted for clients here. Write {secret}VALUE{/secret} in a configuration: the server stores it encrypted and reveals it to clients with the right.';
  sendText(response, 404, 'application/json', JSON.stringify({ status: 'NO_KEY', description }));
}

/** One configuration that is part of an environment. */
interface Source {
  readonly layer: Layer;
  /** JSON of one flat object. */
  readonly values: string;
}

class Environments {
  readonly #context: Context;
  /** Flat values by release, masked and revealed; they go with the release. */
  readonly #flat = new WeakMap<ReleaseRow, Map<boolean, Promise<string>>>();

  constructor(context: Context) {
    this.#context = context;
  }

  async environment(call: RoutedCall): Promise<void> {
    const wanted = readWanted(call.parts);
    const sources = await this.#sources(call, wanted);
    const { exchange: { request, response } } = call;
    const isTwo = (request.headers.accept ?? '').includes(versionTwo);
    const list = sources.map(({ layer: { row, release }, values }) => `{"name":${JSON.stringify(`rollcall:${row.app}/${row.name} in ${row.cluster}, release ${release.number}`)},"source":${values}}`);
    const { app, profiles, label = null } = wanted;
    const head = JSON.stringify({ name: app, profiles, label, version: versionOf(sources), state: null }).slice(0, -1);
    response.setHeader('Vary', 'Accept');
    sendText(response, 200, isTwo ? versionTwo : 'application/json', `${head},"propertySources":[${list.join(',')}]}`);
  }

  async merged(call: RoutedCall): Promise<void> {
    const flat = await this.#values(call, readWanted(call.parts));
    const shown = resolvesPlaceholders(call) ? resolved(flat) : flat;
    const { type, text } = printFile(shown, call.parts['ending'] as Ending);
    sendText(call.exchange.response, 200, type, text);
  }

  async file(call: RoutedCall): Promise<void> {
    const wanted = readWanted(call.parts);
    const path = call.parts['filePath'] ?? '';
    const layer = this.#first(call, wanted, fileNames(wanted, path));
    if (layer === undefined) throw new RegistryError('not_found', `there is no configuration ${wanted.app}/${path}, and no ${path} that all applications share`);
    const content = shownContent(call, layer.release);
    const text = content.includes('${') && resolvesPlaceholders(call) ? await this.#replaced(call, wanted, content) : content;
    sendText(call.exchange.response, 200, mediaTypeOf(formatOf(layer)), text);
  }

  async #replaced(call: RoutedCall, wanted: Wanted, content: string): Promise<string> {
    const flat = await this.#values(call, wanted);
    return replacePlaceholders(content, (key) => flat.get(key)?.toString(), newBudget());
  }

  async #values(call: RoutedCall, wanted: Wanted): Promise<Map<string, string | number | boolean>> {
    const flat = new Map<string, string | number | boolean>();
    for (const { values } of await this.#sources(call, wanted)) {
      for (const [key, value] of Object.entries(JSON.parse(values) as Record<string, string | number | boolean>)) if (!flat.has(key)) flat.set(key, value);
    }
    return flat;
  }

  /** @throws RegistryError `not_found` when nothing has the label: clients then try the next one */
  async #sources(call: RoutedCall, wanted: Wanted): Promise<readonly Source[]> {
    const layers = sourceNames(wanted).flatMap((name) => this.#layers(call, wanted, name));
    if (wanted.label !== undefined && wanted.label !== 'default' && !layers.some(({ row }) => row.cluster === wanted.label)) {
      throw new RegistryError('not_found', `no configuration of ${wanted.app} is in the cluster ${wanted.label}, which the label names`);
    }
    return Promise.all(layers.map(async (layer) => ({ layer, values: await this.#flatOf(call, layer) })));
  }

  #first(call: RoutedCall, wanted: Wanted, names: readonly SourceName[]): Layer | undefined {
    for (const name of names) {
      const [layer] = this.#layers(call, wanted, name);
      if (layer !== undefined) return layer;
    }
    return undefined;
  }

  /** Names that do not exist need no right, so that a client needs rules for its own app only. */
  #layers(call: RoutedCall, { app, label }: Wanted, source: SourceName): readonly Layer[] {
    const name = { namespace: requestNamespace(call.caller, call.exchange), ...source };
    const reader: ConfigReader = { app, address: plainAddress(call.origin.address), ...(label === undefined ? {} : { cluster: label }) };
    return this.#context.configurations.resolve(name, reader).layers.length === 0 ? [] : layersFor(call, name, reader);
  }

  #flatOf(call: RoutedCall, layer: Layer): Promise<string> {
    const { release } = layer;
    const isRevealed = mayReveal(call, release);
    const kept = this.#flat.get(release) ?? new Map<boolean, Promise<string>>();
    this.#flat.set(release, kept);
    let flat = kept.get(isRevealed);
    if (flat === undefined) {
      flat = this.#context.configurations.contents.flatten(shownContent(call, release), formatOf(layer));
      kept.set(isRevealed, flat);
      // An error may be of the moment: too many checks wait.
      flat.catch(() => kept.delete(isRevealed));
    }
    return flat;
  }
}

function resolved(flat: ReadonlyMap<string, string | number | boolean>): Map<string, string | number | boolean> {
  const budget = newBudget();
  const value = (key: string) => flat.get(key)?.toString();
  return new Map(Array.from(flat, ([key, each]) => [key, typeof each === 'string' ? replacePlaceholders(each, value, budget) : each]));
}

/** As `ResourceController.retrieveDefault` of Spring's server, the parameter counts with any value, and the path has one segment. */
function isOfDefaultLabel({ exchange: { query } }: RoutedCall): boolean {
  return new URLSearchParams(query).has('useDefaultLabel');
}

/** The last part of the path is the file. */
function withoutLabel({ parts: { label = '', ...parts }, ...call }: RoutedCall): RoutedCall {
  return { ...call, parts: { ...parts, filePath: label } };
}

function resolvesPlaceholders({ exchange: { query } }: RoutedCall): boolean {
  return new URLSearchParams(query).get('resolvePlaceholders') !== 'false';
}

function formatOf({ row, release }: Layer): ConfigFormat {
  const format = release.format ?? row.format;
  return isConfigFormat(format) && format !== 'text' ? format : (formatOfName(row.name) ?? 'text');
}

/** Changes when a value of the environment may have changed. */
function versionOf(sources: readonly Source[]): string | null {
  if (sources.length === 0) return null;
  const hash = createHash('sha256');
  for (const { layer: { row, release } } of sources) hash.update(JSON.stringify([row.app, row.cluster, row.name, release.number, release.hash]));
  return hash.digest('hex').slice(0, 40);
}

/** As `DefaultErrorAttributes` of Spring Boot; clients look at the status. */
function sendError(response: ServerResponse, { code, message, status = statusByCode[code] }: Failure, path: string): void {
  sendText(response, status, 'application/json', JSON.stringify({ status, error: code, message, path }));
}
