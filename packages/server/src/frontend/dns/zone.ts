/** Settings that answers depend on. */

import type { Ttls } from './ttls.ts';

export interface Zone {
  /** In lower case, without its final dot. */
  readonly domain: string;
  readonly datacenter: string;
  /** The server's own node. */
  readonly node: { readonly name: string; readonly address: string };
  readonly ttls: Ttls;
  /** Whether to leave out instances whose status is warning. */
  readonly onlyPassing: boolean;
}
