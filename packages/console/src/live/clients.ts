/** Who is connected and who uses which service, live. */

import type { Accessor } from 'solid-js';
import type { ClientList, Topology } from '@rollcall/protocol';
import { polled, type Polled } from './polled.ts';
import type { LiveViews } from './views.ts';

/** Clients that a page shows; further ones are found by a search. */
export const clientsMax = 2_000;

/** @param search text that the server looks for in names, versions, addresses and protocols; empty for none */
export function watchClients(live: LiveViews, namespace: string, search: string): Accessor<Polled<ClientList>> {
  const query = new URLSearchParams({ namespace, limit: String(clientsMax), ...(search === '' ? {} : { search }) });
  return polled<ClientList>(`/rollcall/v1/clients?${query}`, {}, live.isPaused);
}

export function watchTopology(live: LiveViews, namespace: string): Accessor<Polled<Topology>> {
  return polled<Topology>(`/rollcall/v1/topology?${new URLSearchParams({ namespace })}`, {}, live.isPaused);
}
