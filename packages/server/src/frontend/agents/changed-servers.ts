/**
 * What a client that polls with `updated_since` must be told: the entries that are not as they were at that time, and those that have gone since. Pure.
 *
 * Source: https://github.com/modelcontextprotocol/registry, docs/reference/api/openapi.yaml (2025-12-01): a list with `updated_since` has deleted servers, too,
 * whose status is `deleted`.
 */

import { deletedServer, type McpServer } from './mcp-servers.ts';

export interface Since {
  /** Milliseconds since the Unix epoch. */
  readonly sinceMs: number;
  /** The entries of the service at that time; undefined when the history does not reach back to it. */
  readonly before: readonly McpServer[] | undefined;
  /** Now, in the same unit. */
  readonly nowMs: number;
}

/** @param now the entries of one service, newest version first @returns those to be told, in the same order, and behind them those that have gone */
export function changedServers(now: readonly McpServer[], { sinceMs, before, nowMs }: Since): readonly McpServer[] {
  if (before === undefined) return now.filter(({ updatedMs }) => updatedMs >= sinceMs);
  const earlier = new Map(before.map((server) => [keyOf(server), server]));
  const present = new Set(now.map(keyOf));
  // Its JSON differs when an instance came, went or changed, and when another version is the latest.
  const changed = now.filter((server) => server.updatedMs >= sinceMs || earlier.get(keyOf(server))?.json !== server.json);
  return [...changed, ...before.filter((server) => !present.has(keyOf(server))).map((server) => deletedServer(server, nowMs))];
}

function keyOf({ name, version }: McpServer): string {
  return `${name}\0${version}`;
}
