/** Consul's HTTP API, of a Consul or of a Rollcall: one namespace, and a token. */

import type { Credentials } from '@rollcall/client';
import { defaultNamespace } from '@rollcall/protocol';
import { HttpApi } from '../import/http-api.ts';
import type { ImportRun } from '../import/run.ts';

export const kinds = [
  ...['nodes', 'services', 'checks', 'keys', 'policies', 'roles', 'tokens', 'auth methods', 'binding rules'],
  'prepared queries',
] as const;
export type Kind = (typeof kinds)[number];

export type ConsulRun = ImportRun<ConsulApi, Kind>;

export interface ConsulApiOptions {
  /** Without a path. */
  readonly url: string;
  readonly credentials: Credentials;
  /** The namespace of all requests whose path names none. */
  readonly namespace: string;
}

export class ConsulApi extends HttpApi {
  readonly namespace: string;

  constructor({ url, credentials, namespace }: ConsulApiOptions) {
    const headers = {
      ...(credentials.token === undefined ? {} : { 'X-Consul-Token': credentials.token }),
      // Consul's community edition refuses any.
      ...(namespace === defaultNamespace ? {} : { 'X-Consul-Namespace': namespace }),
    };
    super({ url, credentials, headers });
    this.namespace = namespace;
  }
}
