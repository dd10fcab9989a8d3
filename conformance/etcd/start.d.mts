/** Types of start.mjs, which is plain JavaScript since benchmarks run it without a build. */

export interface EtcdMember {
  readonly name: string;
  /** Where clients connect to. */
  readonly url: string;
  /** Where the other members connect to. */
  readonly peerUrl: string;
  /** Health and metrics, over plain HTTP. */
  readonly metricsUrl: string;
  /** Its data; kept until the cluster is stopped. */
  readonly directory: string;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  /** On the same ports and data each time; resolves when it is healthy. @param more arguments for this start */
  start(...more: readonly string[]): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGKILL, also of a paused member; resolves when the process is gone. Its data stays. */
  kill(): Promise<void>;
}

export interface EtcdCluster {
  readonly members: readonly [EtcdMember, ...EtcdMember[]];
  readonly urls: readonly [string, ...string[]];
  /** `etcd` and `etcdutl`, by name. */
  readonly programs: Readonly<Record<string, string>>;
  /** Kills all members and removes their data. */
  stop(): Promise<void>;
}

export interface EtcdOptions {
  /** Path of another etcd than the one that is built. */
  readonly program?: string;
  /** More arguments for each member. */
  readonly args?: readonly string[];
  readonly clientScheme?: 'http' | 'https';
  /** The URL at which the other members reach one, by its name and the URL where it listens; by default that one. */
  readonly advertised?: (name: string, listenUrl: string) => string | Promise<string>;
  /** Whether commits are flushed to disk; false by default, since tests do not cut the power. */
  readonly fsync?: boolean;
}

export function etcdProblem(): string | undefined;
export function startEtcd(options?: EtcdOptions): Promise<EtcdCluster>;
export function startEtcdCluster(count: number, options?: EtcdOptions): Promise<EtcdCluster>;
