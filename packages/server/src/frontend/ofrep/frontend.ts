/**
 * The front end for OFREP, OpenFeature's protocol of remote evaluation: one flag, all flags with an ETag, and a stream of events that tells
 * clients to evaluate again. The flags of a client are a configuration of the format `flags`; its base URL names it: `http://SERVER/ofrep/APP/NAME`.
 *
 * It holds no registry state but compiled flags, which go with their releases.
 */

import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { ErrorCode } from '@rollcall/protocol';
import { plainAddress } from '../../net/agent-node.ts';
import { readBody } from '../../net/body.ts';
import { layersFor } from '../../net/config-layers.ts';
import type { Context, Frontend } from '../../net/frontend.ts';
import { requestNamespace } from '../../net/request-namespace.ts';
import { routedFrontend, sendText, type Failure, type RoutedCall } from '../../net/routed-frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import { Turns, type Work } from '../../net/turns.ts';
import { workOfRequest } from '../../net/work-of-request.ts';
import type { ConfigReader } from '../../registry/kind/config/given.ts';
import type { ConfigName } from '../../registry/kind/config/resolve.ts';
import { Events, inactivityDelaySec, releaseTag } from './events.ts';
import { contextCharactersMax, InvalidContext, readContext, statusOf, toWire, type WireEvaluation } from './evaluation.ts';
import { FlagSets, type Found } from './flag-sets.ts';
import { prefix, surface } from './routes.ts';

const json = 'application/json';
/** Four bytes a character at most. */
const bodyBytesMax = contextCharactersMax * 4;

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function ofrep(context: Context): Frontend {
  const evaluations = new Evaluations(context);
  return routedFrontend(context, {
    name: 'ofrep',
    prefixes: [prefix],
    routes: [
      { ...surface.bulk, run: (call) => evaluations.bulk(call) },
      { ...surface.single, run: (call) => evaluations.single(call) },
      { ...surface.events, run: (call) => evaluations.events.open(call.exchange, nameIn(call), readerOf(call)) },
    ],
    // OFREP's clients send the token as an API key, too.
    token: ({ headers }) => headers['x-api-key'],
    sendError,
    close: () => evaluations.close(),
  });
}

class Evaluations {
  readonly events: Events;
  readonly #context: Context;
  readonly #sets = new FlagSets();
  readonly #turns = new Turns();

  constructor(context: Context) {
    this.#context = context;
    this.events = new Events(context);
  }

  async close(): Promise<void> {
    this.events.close();
    await this.#turns.idle();
  }

  async single(call: RoutedCall): Promise<void> {
    const context = await contextOf(call);
    const { flags } = this.#find(call, nameOf(call));
    const key = call.parts['keyPath'] ?? '';
    const evaluation = toWire(key, flags.evaluate(key, context, this.#context.clock.now()));
    sendText(call.exchange.response, statusOf(evaluation), json, JSON.stringify(evaluation));
  }

  async bulk(call: RoutedCall): Promise<void> {
    const context = await contextOf(call);
    const name = nameOf(call);
    const found = this.#find(call, name);
    const { exchange: { request, response } } = call;
    const flags = await this.#all(response, found, context);
    const tag = `"${createHash('sha256').update(releaseTag(found.release)).update(flags).digest('base64url').slice(0, 27)}"`;
    response.setHeader('ETag', tag);
    if ((request.headers['if-none-match'] ?? '').split(/\s*,\s*/).some((each) => each === tag || each === `W/${tag}` || each === '*')) {
      response.writeHead(304).end();
      return;
    }
    const path = `/ofrep/${encodeURIComponent(name.app)}/${encodeURIComponent(name.name)}/ofrep/v1/events?${this.events.query(name)}`;
    const scheme = 'encrypted' in request.socket ? 'https' : 'http';
    const streams = [{ type: 'sse', url: `${scheme}://${request.headers.host ?? ''}${path}`, inactivityDelaySec }];
    sendText(response, 200, json, `{"flags":${flags},"metadata":${JSON.stringify({ release: found.release.number })},"eventStreams":${JSON.stringify(streams)}}`);
  }

  #find(call: RoutedCall, name: ConfigName): Found {
    return this.#sets.find(name, layersFor(call, name, readerOf(call)));
  }

  /** JSON of all evaluations, in slices: a rule may look at 100,000 items. */
  #all(response: ServerResponse, { flags }: Found, context: object): Promise<string> {
    const now = this.#context.clock.now();
    return workOfRequest(this.#turns, response, function* (pace): Work<string> {
      const parts: string[] = [];
      for (const key of flags.keys) {
        const evaluation: WireEvaluation = toWire(key, flags.evaluate(key, context, now));
        parts.push(JSON.stringify(evaluation));
        if (pace.spend(unitsPerFlag)) yield;
      }
      return `[${parts.join(',')}]`;
    });
  }
}

/** Of a turn: about five microseconds for a flag with rules, its JSON included. */
const unitsPerFlag = 10;

async function contextOf({ exchange: { request } }: RoutedCall): Promise<object> {
  return readContext((await readBody(request, bodyBytesMax)).toString('utf8'));
}

function nameIn({ parts }: RoutedCall): Pick<ConfigName, 'app' | 'name'> {
  return { app: parts['app'] ?? '', name: parts['name'] ?? '' };
}

function nameOf(call: RoutedCall): ConfigName {
  return { namespace: requestNamespace(call.caller, call.exchange), ...nameIn(call) };
}

/** Rollouts are for the program that asks, by its address; the context is of one of its many users, and only flags go by it. */
function readerOf({ origin, parts }: RoutedCall): ConfigReader {
  return { app: parts['app'] ?? '', address: plainAddress(origin.address) };
}

/** Errors of a flag have its key; all have a code of OpenFeature. */
function sendError(response: ServerResponse, { code, message, error, parts, status = statusByCode[code] }: Failure): void {
  const key = parts['keyPath'];
  const body = { ...(key === undefined ? {} : { key }), errorCode: error instanceof InvalidContext ? error.errorCode : (codes[code] ?? 'GENERAL'), errorDetails: message };
  sendText(response, code === 'failed_precondition' ? 400 : status, json, JSON.stringify(body));
}

const codes: Partial<Record<ErrorCode, string>> = { failed_precondition: 'PARSE_ERROR', not_found: 'FLAG_NOT_FOUND' };
