/**
 * The instances of a service as entries of an MCP registry: one for each version, with the URLs of the instances that answer. Pure.
 *
 * Source: https://github.com/modelcontextprotocol/registry, docs/reference/api/openapi.yaml (2025-12-01): ServerDetail and ServerResponse.
 */

import type { Live } from './live.ts';
import { mcpUrl } from './marks.ts';
import { compareVersions } from './versions.ts';

export interface McpServer {
  readonly service: string;
  readonly name: string;
  readonly version: string;
  readonly isLatest: boolean;
  /** Milliseconds since the Unix epoch: when an instance of the version was last registered with a change. */
  readonly updatedMs: number;
  /** The entry as JSON. */
  readonly json: string;
  /** What the entry says of the server itself, and of its registration. */
  readonly entry: Entry;
}

interface Entry {
  readonly server: Readonly<Record<string, unknown>>;
  readonly official: Readonly<Record<string, unknown>>;
  readonly own: Readonly<Record<string, unknown>>;
}

/** The schema's limits. */
const textMax = 100;
/** URLs of one entry: a client needs one that answers, not all. */
const remotesMax = 20;
/** Of servers that name none. */
const versionDefault = '0.0.0';

/** @param live instances of one service that answer; none gives no entry. @returns newest version first */
export function mcpServersOf(namespace: string, service: string, live: readonly Live[]): readonly McpServer[] {
  const byVersion = grouped(live);
  const versions = [...byVersion.keys()].sort((a, b) => compareVersions(b, a));
  return versions.map((version, at) => serverOf(namespace, service, version, byVersion.get(version) ?? [], at === 0));
}

/**
 * An entry that was there, of a server of which no instance answers any more: without URLs, and with the time at which this was noticed.
 * @param nowMs milliseconds since the Unix epoch
 */
export function deletedServer({ entry, ...rest }: McpServer, nowMs: number): McpServer {
  const { remotes: _, ...server } = entry.server;
  const official = { ...entry.official, status: 'deleted', updatedAt: time(nowMs), statusChangedAt: time(nowMs) };
  return { ...rest, ...withJson({ server, official, own: { ...entry.own, instances: 0 } }) };
}

function grouped(live: readonly Live[]): Map<string, Live[]> {
  const groups = new Map<string, Live[]>();
  for (const each of live) {
    const version = versionOf(each);
    const group = groups.get(version);
    if (group === undefined) groups.set(version, [each]);
    else group.push(each);
  }
  return groups;
}

function versionOf({ row: { meta } }: Live): string {
  return (meta['mcp-version'] || meta['version'] || versionDefault).slice(0, 255);
}

function serverOf(namespace: string, service: string, version: string, live: readonly Live[], isLatest: boolean): McpServer {
  // The last one that was registered describes the version.
  const newest = live.reduce((best, each) => (changedMs(each) > changedMs(best) ? each : best));
  const { meta } = newest.row;
  const name = nameOf(namespace, service, meta['mcp-name']);
  const updatedMs = changedMs(newest);
  const urls = [...new Set(live.map(({ row, address }) => mcpUrl(row, address)))].sort().slice(0, remotesMax);
  const server = {
    name,
    description: (meta['mcp-description'] || `The service ${service}`).slice(0, textMax),
    ...optional('title', meta['mcp-title']?.slice(0, textMax)),
    version,
    ...optional('websiteUrl', meta['mcp-website']),
    remotes: urls.map((url) => ({ type: 'streamable-http', url })),
  };
  const publishedMs = Math.min(...live.map(({ row }) => row.registeredMs));
  const official = { status: 'active', publishedAt: time(publishedMs), updatedAt: time(updatedMs), isLatest };
  const own = { namespace, service, instances: live.length };
  return { service, name, version, isLatest, updatedMs, ...withJson({ server, official, own }) };
}

function withJson(entry: Entry): Pick<McpServer, 'entry' | 'json'> {
  const { server, official, own } = entry;
  return { entry, json: JSON.stringify({ server, _meta: { 'io.modelcontextprotocol.registry/official': official, rollcall: own } }) };
}

/** A name of MCP has exactly one slash, and a narrower alphabet than services have. */
function nameOf(namespace: string, service: string, given: string | undefined): string {
  if (given !== undefined && /^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/.test(given) && given.length <= 200) return given;
  return `rollcall.${namespace}/${service.replaceAll(/[^a-zA-Z0-9._-]/g, '-')}`.slice(0, 200);
}

function changedMs({ row: { registeredMs, changedMs: changed = registeredMs } }: Live): number {
  return changed;
}

function optional(key: string, value: string | undefined): object {
  return value === undefined || value === '' ? {} : { [key]: value };
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
