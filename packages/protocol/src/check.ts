/**
 * A check: one statement about the health of an instance or of a whole node, and its source.
 * The server's `health/` runs checks.
 */

export type CheckStatus = 'passing' | 'warning' | 'critical';

/**
 * The source of a check's status:
 * - `ttl`: heartbeats; critical when none came for `ttlMs`.
 * - `stream`: an open native stream; critical the moment it closes.
 * - `http`, `tcp`, `grpc`, `mcp`: probes made by the registry.
 * - `status`: the registry itself, from the administrative status of the instance; always critical.
 * - `none`: no source; the status stays as it was last set.
 */
export type CheckKind = 'ttl' | 'stream' | 'http' | 'tcp' | 'grpc' | 'mcp' | 'status' | 'none';

/** The settings with which a registry runs a check. All durations in milliseconds. */
export interface CheckDefinition {
  /** Longest silence that `ttl` allows; 1 ms or more. */
  readonly ttlMs?: number;
  /** Pause between two probes; 1,000 ms or more. */
  readonly intervalMs?: number;
  /** Longest a single probe may take. */
  readonly timeoutMs?: number;
  /** URL of an `http` probe. */
  readonly http?: string;
  readonly method?: string;
  readonly header?: Readonly<Record<string, readonly string[]>>;
  readonly body?: string;
  /** `host:port` of a `tcp` probe. */
  readonly tcp?: string;
  /** `host:port[/service]` of a `grpc` probe. */
  readonly grpc?: string;
  readonly grpcUseTls?: boolean;
  /** URL of the endpoint of an `mcp` probe, which is a server of the Model Context Protocol over Streamable HTTP. */
  readonly mcp?: string;
  readonly tlsServerName?: string;
  readonly tlsSkipVerify?: boolean;
  /** Consecutive successes before the check turns passing; 0 and 1 mean at once. */
  readonly successBeforePassing?: number;
  /** Consecutive failures before the check turns warning; 0 means never by count. */
  readonly failuresBeforeWarning?: number;
  /** Consecutive failures before the check turns critical; 0 and 1 mean at once. */
  readonly failuresBeforeCritical?: number;
  /** An instance critical for this long is deregistered; absent means never. */
  readonly deregisterCriticalAfterMs?: number;
}

/** The kind of a check by the field of its source, of which it has exactly one. */
export function kindOfCheck({ ttlMs, http, tcp, grpc }: CheckDefinition): Exclude<CheckKind, 'stream' | 'status' | 'none'> {
  if (ttlMs !== undefined) return 'ttl';
  if (http !== undefined) return 'http';
  if (tcp !== undefined) return 'tcp';
  return grpc !== undefined ? 'grpc' : 'mcp';
}
