/**
 * Apollo's config service, as its clients use it: one namespace of one cluster for each request, signed if the app has an access key.
 * Source: `ConfigController` of github.com/apolloconfig/apollo, `Signature` of github.com/apolloconfig/apollo-java.
 */

import { createHmac } from 'node:crypto';
import type { Credentials } from '@rollcall/client';
import { HttpApi, Refusal, type Fields } from '../import/http-api.ts';

export interface ApolloConfig {
  /** In which cluster it was found: the one that was asked for, or `default`. */
  readonly cluster: string;
  /** The keys; only `content` for a namespace whose name ends in another format than properties. */
  readonly configurations: Readonly<Record<string, string>>;
  /** Those of the app's own release and of the public one below it, joined by `+`. */
  readonly releaseKey: string;
}

export interface ApolloPlace {
  readonly app: string;
  readonly cluster: string;
  readonly namespace: string;
}

export interface ApolloApiOptions {
  /** Without a path. */
  readonly url: string;
  readonly credentials: Pick<Credentials, 'tls'>;
  /** Access key of the apps. */
  readonly secret: string | undefined;
  /** @returns milliseconds since the Unix epoch */
  readonly now: () => number;
}

/** Gray releases go by the address that a request names: no rule names this one. */
const noClient = 'ip=0.0.0.0';

export class ApolloApi extends HttpApi {
  readonly #secret: string | undefined;
  readonly #now: () => number;

  constructor({ url, credentials, secret, now }: ApolloApiOptions) {
    super({ url, credentials, headers: {} });
    this.#secret = secret;
    this.#now = now;
  }

  /** @returns undefined when the app has no such namespace @throws Refusal; CommandFailure `unreachable` */
  async config({ app, cluster, namespace }: ApolloPlace): Promise<ApolloConfig | undefined> {
    const path = `/configs/${[app, cluster, namespace].map(encodeURIComponent).join('/')}?${noClient}`;
    let text: string;
    try {
      text = await this.text('GET', path, '', this.#signature(app, path));
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return undefined;
      throw error;
    }
    return readConfig(text);
  }

  #signature(app: string, path: string): Readonly<Record<string, string>> {
    if (this.#secret === undefined) return {};
    const timestamp = String(this.#now());
    const signature = createHmac('sha1', this.#secret).update(`${timestamp}\n${path}`).digest('base64');
    return { Timestamp: timestamp, Authorization: `Apollo ${app}:${signature}` };
  }
}

/** @throws Refusal when it is no answer of a config service */
function readConfig(text: string): ApolloConfig {
  const { cluster, configurations, releaseKey } = fieldsIn(text);
  if (typeof cluster !== 'string' || typeof releaseKey !== 'string' || !isTexts(configurations)) throw new Refusal(200, 'the answer is not that of an Apollo config service');
  return { cluster, configurations, releaseKey };
}

function fieldsIn(text: string): Fields {
  try {
    return (JSON.parse(text) as Fields | null) ?? {};
  } catch {
    return {};
  }
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every((each) => typeof each === 'string');
}
