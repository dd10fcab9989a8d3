/** Requests of the commands about routes. */

import type { Route } from '@rollcall/protocol';
import { adminCall, askJson, textOf, type Target } from './admin-call.ts';
import type { Answer } from './blocking-query.ts';

export interface RouteAnswer {
  readonly namespace: string;
  readonly service: string;
  readonly revision: number;
  /** Absent: the service has none. */
  readonly route?: Route;
}

export interface RouteEntryAnswer {
  readonly service: string;
  readonly revision: number;
  readonly words: readonly string[];
}

const path = '/rollcall/v1/routes';

/** Shorter than the time after which proxies cut silent connections. */
const waitMs = 50_000;

/** The route of one service, as a command line names it. */
export class NamedRoute {
  readonly service: string;
  readonly #target: Target;

  constructor(target: Target, service: string) {
    this.#target = target;
    this.service = service;
  }

  get(): Promise<RouteAnswer> {
    return askJson(this.#target, this.#path());
  }

  set(route: Route, cas: number | undefined): Promise<{ readonly done: boolean; readonly revision: number }> {
    return askJson(this.#target, this.#path(casOf(cas)), { method: 'PUT', body: JSON.stringify(route) });
  }

  delete(cas: number | undefined): Promise<{ readonly done: boolean }> {
    return askJson(this.#target, this.#path(casOf(cas)), { method: 'DELETE' });
  }

  /** @param after revision of the last answer; the registry answers when there is a newer one, or after a while */
  async next(after: string | undefined, signal: AbortSignal): Promise<Answer> {
    const waiting: Readonly<Record<string, string>> = after === undefined ? {} : { after, waitMs: String(waitMs) };
    const answer = await adminCall({ ...this.#target, path: this.#path(waiting), expect: 'application/json', signal, silenceMs: waitMs * 1.5 });
    const body = await textOf(answer);
    return { index: String((JSON.parse(body) as RouteAnswer).revision), body };
  }

  #path(query: Readonly<Record<string, string>> = {}): string {
    return `${path}?${queryOf(this.#target, { service: this.service, ...query })}`;
  }
}

export async function listRoutes(target: Target): Promise<readonly RouteEntryAnswer[]> {
  return (await askJson<{ readonly routes: readonly RouteEntryAnswer[] }>(target, `${path}/list?${queryOf(target, {})}`)).routes;
}

function queryOf({ namespace }: Target, query: Readonly<Record<string, string>>): string {
  return new URLSearchParams({ ...(namespace === undefined ? {} : { namespace }), ...query }).toString();
}

function casOf(cas: number | undefined): Readonly<Record<string, string>> {
  return cas === undefined ? {} : { cas: String(cas) };
}
