/** The lease of a bridge on one server: an ephemeral znode. A bridge whose session ends gives way to the next one that waits. */

import type { Clock } from '../../clock.ts';
import { ancestors } from './writes.ts';
import type { View } from './view.ts';

export interface LeaseRequest {
  readonly view: View;
  readonly sessionId: bigint;
  readonly path: string;
  readonly identity: string;
  readonly clock: Clock;
  /** Called once when another bridge has it. */
  readonly waiting: (holder: string) => void;
}

const ephemeralFlag = 1;

/** How often a bridge that waits looks again, in milliseconds. */
const lookMs = 1_000;

/**
 * Resolves when this session has the lease.
 * @throws RegistryError when the connection ends, `Refused` when the server refuses
 */
export async function takeLease({ view, sessionId, path, identity, clock, waiting }: LeaseRequest): Promise<void> {
  for (const parent of ancestors(path).slice(0, -1)) await view.create(parent, null, 0);
  for (let told = false; ; ) {
    if (await view.create(path, Buffer.from(identity), ephemeralFlag)) return;
    const held = await view.read('getData', { path, watch: false });
    if (held === undefined) continue;
    if (held.stat.ephemeralOwner === sessionId) return;
    if (!told) waiting(Buffer.from(held.data ?? []).toString());
    told = true;
    await new Promise<void>((resolve) => void clock.timer(lookMs, resolve));
  }
}
