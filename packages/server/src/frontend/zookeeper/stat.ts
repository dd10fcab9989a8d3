/** Converts between the words of the registry and the records of the protocol: stats, ACLs, modes of creation. Pure. */

import { createModes, errorCodes } from '../../jute/codes.ts';
import type { Acl as WireAcl, Stat } from '../../jute/records.ts';
import type { ZnodeCreate } from '../../registry/kind/znode/commands.ts';
import type { ZnodeStat } from '../../registry/kind/znode/find.ts';
import type { Acl } from '../../registry/kind/znode/rows.ts';
import { ZookeeperError } from './errors.ts';
import { numberOf } from './session-id.ts';

/** One literal: each answer has a stat, and one that is made by spreading takes several times as long. */
export function toStat({ czxid, mzxid, ctimeMs: ctime, mtimeMs: mtime, version, cversion, aversion, session, dataLength, numChildren, pzxid }: ZnodeStat): Stat {
  return { czxid, mzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner: session === undefined ? 0n : numberOf(session), dataLength, numChildren, pzxid };
}

export function toWireAcl(acl: readonly Acl[]): WireAcl[] {
  return acl.map(({ perms, scheme, id }) => ({ perms, id: { scheme, id } }));
}

export function fromWireAcl(acl: readonly WireAcl[]): Acl[] {
  return acl.map(({ perms, id: { scheme, id } }) => ({ perms, scheme, id }));
}

type Mode = Pick<ZnodeCreate, 'mode' | 'sequential'>;

const modes: Readonly<Record<number, Mode>> = {
  [createModes.persistent]: { mode: 'persistent' },
  [createModes.ephemeral]: { mode: 'ephemeral' },
  [createModes.persistentSequential]: { mode: 'persistent', sequential: true },
  [createModes.ephemeralSequential]: { mode: 'ephemeral', sequential: true },
  [createModes.container]: { mode: 'container' },
  [createModes.persistentWithTtl]: { mode: 'ttl' },
  [createModes.persistentSequentialWithTtl]: { mode: 'ttl', sequential: true },
};

/** @throws ZookeeperError */
export function modeOf(flags: number): Mode {
  const mode = modes[flags];
  if (mode === undefined) throw new ZookeeperError(errorCodes.badArguments, 'invalid_argument', `flags ${flags} name no mode of creation; there are 0 to 6`);
  return mode;
}
