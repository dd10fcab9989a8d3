/**
 * A configuration as a client gets it: layers, each with its content and the release that it is of. The first layer is the app's
 * own; the others are public configurations below it (`merge.ts` joins them). Content and release travel together, so that no
 * client is told of a release and then reads another content.
 */

export interface ConfigLayer {
  readonly app: string;
  readonly name: string;
  /** The cluster whose configuration it is; `default` when the client's own cluster has none. */
  readonly cluster: string;
  /** Number of the release, among those of this configuration. */
  readonly release: number;
  /** As in `configFormats`, or what another protocol calls it; absent: not known. */
  readonly format?: string;
  /** SHA-256 of the content as it is stored, in hexadecimal; empty when unknown. */
  readonly hash: string;
  readonly content: string;
  /** The rollout that gives this release to this client; absent: all clients get it. */
  readonly rollout?: string;
  /** Secrets in the content are masked, since the client may not read them. */
  readonly masked?: true;
}

/** What a client says about itself, for rollouts to some clients. The registry adds its address. */
export interface ReaderFacts {
  /** App that the client belongs to; by default that of the configuration. */
  readonly app?: string;
  /** Its instance, written `NODE/ID`. */
  readonly instance?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** By default that of the server. */
  readonly datacentre?: string;
}

/**
 * Names the releases that a client has, so that it gets content again only if others are meant for it. Equal texts mean equal
 * content, in one registry.
 */
export function releasesOf(layers: readonly Omit<ConfigLayer, 'content'>[]): string {
  return layers.map(({ app, name, cluster, release, masked }) => JSON.stringify([app, name, cluster, release, ...(masked === true ? ['masked'] : [])])).join();
}

/** The parts of a configuration's name in frames and in programs, `APP/NAME`; the name may contain further slashes. */
export function configNameParts(text: string): { readonly app: string; readonly name: string } | undefined {
  const slash = text.indexOf('/');
  if (slash <= 0 || slash === text.length - 1) return undefined;
  return { app: text.slice(0, slash), name: text.slice(slash + 1) };
}
