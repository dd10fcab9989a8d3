/**
 * The front end for clients of AI agents: MCP servers in the form of the MCP registry's API, and cards of A2A agents. It is read-only, and
 * shows only what answers now. It holds no registry state.
 *
 *   request ─► services with the tag ─► instances that answer ─► entries by version · a card from one of them
 */

import type { ServerResponse } from 'node:http';
import { isRegistryError, RegistryError } from '@rollcall/protocol';
import type { Context, Frontend } from '../../net/frontend.ts';
import { openPast } from '../../net/past.ts';
import { requestNamespace } from '../../net/request-namespace.ts';
import { routedFrontend, sendText, type Failure, type RoutedCall } from '../../net/routed-frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import { Turns, type Pace, type Work } from '../../net/turns.ts';
import { workOfRequest } from '../../net/work-of-request.ts';
import type { Send } from '../../outbound/http-request.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { changedServers } from './changed-servers.ts';
import { cardAgeMaxMs, Cards, type Card } from './cards.ts';
import { liveInstances, taggedServices, type Asked, type Live } from './live.ts';
import { a2aTag, cardPath, cardUrl, mcpTag } from './marks.ts';
import { mcpServersOf, type McpServer } from './mcp-servers.ts';
import { cursorOf, readQuestion, type Question } from './question.ts';
import { agentsPrefix, mcpPrefix, surface } from './routes.ts';

const json = 'application/json';
/** Instances that are asked for a card before the server gives up. */
const attemptsMax = 3;

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function agents(context: Context, send: Send): Frontend {
  const agentsOf = new Agents(context, send);
  return routedFrontend(context, {
    name: 'agents',
    prefixes: [mcpPrefix, agentsPrefix],
    routes: [
      { ...surface.servers, run: (call) => agentsOf.servers(call) },
      { ...surface.versions, run: (call) => agentsOf.versions(call) },
      { ...surface.version, run: (call) => agentsOf.version(call) },
      { ...surface.agents, run: (call) => agentsOf.agents(call) },
      { ...surface.card, run: (call) => agentsOf.card(call) },
    ],
    sendError,
    close: () => agentsOf.close(),
  });
}

class Agents {
  readonly #context: Context;
  readonly #turns = new Turns();
  readonly #cards: Cards;

  constructor(context: Context, send: Send) {
    this.#context = context;
    this.#cards = new Cards({ send, clock: context.clock, wheel: context.wheel });
  }

  close(): Promise<void> {
    return this.#turns.idle();
  }

  async servers(call: RoutedCall): Promise<void> {
    const asked = askedOf(call, mcpTag);
    const question = readQuestion(call.exchange.query);
    const { updatedSinceMs: sinceMs } = question;
    const past = sinceMs === undefined ? undefined : await this.#stateAt(sinceMs, call.exchange.response);
    const wants = ({ name, version, isLatest }: McpServer) =>
      name.toLowerCase().includes(question.search) && (question.version === undefined || (question.version === 'latest' ? isLatest : version === question.version));
    const nowMs = this.#context.clock.now();
    const page = await this.#page(call, { asked, question, past }, (service, live, before) => {
      const now = mcpServersOf(asked.namespace, service, live);
      const told = sinceMs === undefined ? now : changedServers(now, { sinceMs, before: before && mcpServersOf(asked.namespace, service, before), nowMs });
      return told.filter(wants).map((server) => server.json);
    });
    sendPage(call.exchange.response, 'servers', page);
  }

  /** Undefined when there is no history, or it begins later. @throws RegistryError (the promise) `resource_exhausted` as `History.at` */
  async #stateAt(atMs: number, response: ServerResponse): Promise<Frozen | undefined> {
    try {
      return (await openPast(this.#context.history, { atMs }, response)).frozen;
    } catch (error) {
      if (isRegistryError(error, 'failed_precondition')) return undefined;
      throw error;
    }
  }

  async versions(call: RoutedCall): Promise<void> {
    const found = await this.#serverNamed(call);
    sendPage(call.exchange.response, 'servers', { entries: found.map((server) => server.json), next: undefined });
  }

  async version(call: RoutedCall): Promise<void> {
    const { version = '' } = call.parts;
    const found = (await this.#serverNamed(call)).find((server) => (version === 'latest' ? server.isLatest : server.version === version));
    if (found === undefined) throw new RegistryError('not_found', `no instance of this MCP server with version ${JSON.stringify(version.slice(0, 80))} answers`);
    sendText(call.exchange.response, 200, json, found.json);
  }

  async agents(call: RoutedCall): Promise<void> {
    const asked = askedOf(call, a2aTag);
    const question = readQuestion(call.exchange.query);
    const page = await this.#page(call, { asked, question }, (service, live) => {
      if (live.length === 0 || !service.toLowerCase().includes(question.search)) return [];
      const card = `${agentsPrefix}/${encodeURIComponent(service)}${cardPath}`;
      return [JSON.stringify({ namespace: asked.namespace, service, card, instances: live.length })];
    });
    sendPage(call.exchange.response, 'agents', page);
  }

  /** The card of the first instance that gives one; each request begins with another instance, so that they share the load. */
  async card(call: RoutedCall): Promise<void> {
    const { parts: { service = '' }, exchange: { request, response } } = call;
    const asked = askedOf(call, a2aTag);
    const live = asked.mayRead(service) ? await this.#inSlices(response, (frozen, pace) => liveInstances(frozen, pace, asked, service)) : [];
    const card = await this.#cardOf(service, live);
    response.setHeader('ETag', card.tag);
    response.setHeader('Vary', 'Authorization, X-Consul-Token');
    if ((request.headers['if-none-match'] ?? '').split(/\s*,\s*/).some((each) => each === card.tag || each === `W/${card.tag}` || each === '*')) {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': json, 'Content-Length': Buffer.byteLength(card.text), 'Cache-Control': `private, max-age=${cardAgeMaxMs / 1_000}` });
    response.end(card.text);
  }

  async #cardOf(service: string, live: readonly Live[]): Promise<Card> {
    const faults: string[] = [];
    for (const { row, address } of live.slice(0, attemptsMax)) {
      try {
        return await this.#cards.get(cardUrl(row, address));
      } catch (error) {
        if (error instanceof RegistryError && error.code === 'resource_exhausted') throw error;
        faults.push(error instanceof Error ? error.message : String(error));
      }
    }
    const why = faults.length === 0 ? `no instance of it with the tag ${a2aTag} passes its checks` : faults.join('; ');
    throw new RegistryError('not_found', `no agent ${JSON.stringify(service.slice(0, 80))} answers with a card: ${why}`);
  }

  /** The versions of the server with the name of the request. @throws RegistryError (the promise) `not_found` */
  async #serverNamed(call: RoutedCall): Promise<readonly McpServer[]> {
    const asked = askedOf(call, mcpTag);
    const { serverPath: name = '' } = call.parts;
    const found = await this.#inSlices(call.exchange.response, function* (frozen, pace): Work<readonly McpServer[]> {
      for (const service of yield* taggedServices(frozen, pace, asked)) {
        const servers = mcpServersOf(asked.namespace, service, yield* liveInstances(frozen, pace, asked, service));
        const named = servers.filter((server) => server.name === name);
        if (named.length > 0) return named;
      }
      return [];
    });
    if (found.length === 0) throw new RegistryError('not_found', `no MCP server ${JSON.stringify(name.slice(0, 80))} answers`);
    return found;
  }

  #page({ exchange: { response } }: RoutedCall, { asked, question: { from, limit }, past }: Listed, entriesOf: EntriesOf): Promise<Page> {
    return this.#inSlices(response, function* (frozen, pace): Work<Page> {
      const entries: string[] = [];
      const present = yield* taggedServices(frozen, pace, asked, from.service);
      const services = past === undefined ? present : [...new Set([...present, ...(yield* taggedServices(past, pace, asked, from.service))])].sort();
      for (const service of services) {
        const live = yield* liveInstances(frozen, pace, asked, service);
        const all = entriesOf(service, live, past && (yield* liveInstances(past, pace, asked, service)));
        const start = service === from.service ? from.entry : 0;
        for (let entry = start; entry < all.length; entry++) {
          if (entries.length === limit) return { entries, next: cursorOf({ service, entry }) };
          entries.push(all[entry] as string);
        }
      }
      return { entries, next: undefined };
    });
  }

  #inSlices<T>(response: ServerResponse, work: (frozen: Frozen, pace: Pace) => Work<T>): Promise<T> {
    const { registry } = this.#context;
    return workOfRequest(this.#turns, response, function* (pace): Work<T> {
      const frozen = registry.state.freeze();
      try {
        return yield* work(frozen, pace);
      } finally {
        frozen.close();
      }
    });
  }
}

interface Listed {
  readonly asked: Asked;
  readonly question: Question;
  /** The registry at the time since which a client polls. */
  readonly past?: Frozen | undefined;
}

/** @param live instances that answer now; none when all have gone @param before those that answered at the time since which a client polls, if that is known */
type EntriesOf = (service: string, live: readonly Live[], before: readonly Live[] | undefined) => readonly string[];

interface Page {
  /** Each as JSON. */
  readonly entries: readonly string[];
  /** The cursor of the next page; undefined when this is the last one. */
  readonly next: string | undefined;
}

/** @throws RegistryError `invalid_argument` */
function askedOf({ caller, exchange }: RoutedCall, tag: string): Asked {
  const namespace = requestNamespace(caller, exchange);
  return { namespace, tag, mayRead: (service) => caller.authorizer.allows(namespace, 'service', 'read', service) };
}

function sendPage(response: ServerResponse, name: string, { entries, next }: Page): void {
  const metadata = { count: entries.length, ...(next === undefined ? {} : { nextCursor: next }) };
  sendText(response, 200, json, `{"${name}":[${entries.join(',')}],"metadata":${JSON.stringify(metadata)}}`);
}

/** In the form of the MCP registry's errors, or of the JSON API. */
function sendError(response: ServerResponse, { code, message, status = statusByCode[code] }: Failure, path: string): void {
  sendText(response, status, json, JSON.stringify(path.startsWith(mcpPrefix) ? { error: message } : { code, message }));
}
