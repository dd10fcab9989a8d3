/** Removes from one server all that a bridge has put there: mirrored registrations, marks and the lease's znode. */

import { RegistryError } from '@rollcall/protocol';
import { bridgesRoot, layoutsOf, leaseOf, marksRootOf, rootOf, type BridgeEnd, type BridgeOptions } from './bridge.ts';
import { openConnection, type Connection } from './connection.ts';
import { View } from './view.ts';
import { perform } from './writes.ts';

export type CleanOptions = Pick<BridgeOptions, 'name' | 'base' | 'dubboBase' | 'clock'>;

/**
 * @returns how many mirrored registrations were removed
 * @throws RegistryError `failed_precondition` while a bridge of this name works, `unavailable` when the server cannot be reached
 */
export async function cleanBridge({ addresses, tls, credential }: BridgeEnd, { name, base, dubboBase, clock }: CleanOptions): Promise<number> {
  const connection = await openAny(addresses, (address) => openConnection({ ...address, tls, clock, timeoutMs: 10_000, onNotification: () => {} }));
  try {
    if (credential !== undefined) await connection.request('auth', { type: 0, scheme: credential.scheme, auth: Buffer.from(credential.data) });
    const view = new View(connection, marksRootOf(name));
    const lease = await view.read('getData', { path: leaseOf(name), watch: false });
    if (lease !== undefined) throw new RegistryError('failed_precondition', `the bridge ${name} works (${Buffer.from(lease.data ?? []).toString()}); stop it first`);
    let removed = 0;
    for (const layout of layoutsOf({ base, dubboBase })) {
      for (const group of await view.markedGroups(layout)) {
        for (const [entry, { mirrored, version }] of await view.entries(group)) {
          if (mirrored && (await perform(view, layout, group, { kind: 'delete', name: entry, version }))) removed++;
        }
      }
    }
    await deleteAll(view, rootOf(name));
    // Stays while another bridge has something there.
    await view.delete(bridgesRoot);
    return removed;
  } finally {
    await connection.close();
  }
}

async function openAny<A>(addresses: readonly A[], open: (address: A) => Promise<Connection>): Promise<Connection> {
  let last: unknown;
  for (const address of addresses) {
    try {
      return await open(address);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

async function deleteAll(view: View, path: string): Promise<void> {
  const found = await view.read('getChildren', { path, watch: false });
  for (const child of found?.children ?? []) await deleteAll(view, `${path}/${child}`);
  if (found !== undefined) await view.delete(path);
}
