/**
 * Finds the row of the route table for a path. Ids and keys are the rest of the path and may contain
 * slashes, so rows match by prefix, not segment by segment.
 */

/** Finds rows by path: `/v1/kv/a/b` is the row of `/v1/kv/` with the rest `a/b`. */
export class Router<R extends { readonly path: string }> {
  readonly #exact = new Map<string, R>();
  readonly #under = new Map<string, R>();

  constructor(table: readonly R[]) {
    for (const route of table) {
      const colon = route.path.indexOf(':');
      if (colon < 0) this.#exact.set(route.path, route);
      else this.#under.set(route.path.slice(0, colon), route);
    }
  }

  /** @param path as sent, percent-encoded */
  find(path: string): { readonly route: R; readonly rest: string } | undefined {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return { route: exact, rest: '' };
    let found: { route: R; rest: string } | undefined;
    // The longest prefix wins; none has more parts than `/v1/agent/health/service/id/`.
    let at = 3;
    for (let parts = 0; parts < 4; parts++) {
      at = path.indexOf('/', at + 1);
      if (at < 0) break;
      const route = this.#under.get(path.slice(0, at + 1));
      if (route !== undefined) found = { route, rest: path.slice(at + 1) };
    }
    if (found !== undefined) return found;
    const bare = this.#under.get(`${path}/`);
    return bare === undefined ? undefined : { route: bare, rest: '' };
  }
}
