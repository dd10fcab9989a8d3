/** What answers depend on besides what is registered. */

import type { Ttls } from './ttls.ts';

export interface Zone {
  /** In lower case, without the dot at its end. */
  readonly domain: string;
  readonly datacenter: string;
  /** The server's own node. */
  readonly node: { readonly name: string; readonly address: string };
  readonly ttls: Ttls;
  /** Leave out instances that warn, too. */
  readonly onlyPassing: boolean;
}
