/** Backups of an etcd of one member, and how operators bring them back. */

import { spawnSync } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import type { EtcdCluster } from '../../../../../conformance/etcd/start.mjs';
import { gateway } from './gateway.case.ts';

/** A copy of the data of a member, which is stopped meanwhile, and a snapshot. */
export interface Backup {
  readonly directory: string;
  readonly snapshot: string;
}

export async function backUp({ members: [member] }: EtcdCluster): Promise<Backup> {
  const snapshot = `${member.directory}.snapshot`;
  writeFileSync(snapshot, await gateway(member.url).snapshot());
  await member.kill();
  const directory = `${member.directory}.backup`;
  cpSync(member.directory, directory, { recursive: true });
  await member.start();
  return { directory, snapshot };
}

/** Puts a copy in place of the data. */
export async function putBack({ members: [member] }: EtcdCluster, { directory }: Backup): Promise<void> {
  await member.kill();
  rmSync(member.directory, { recursive: true });
  cpSync(directory, member.directory, { recursive: true });
  await member.start();
}

/** Restores a snapshot with etcd's own tool. */
export async function restoreSnapshot({ members: [member], programs }: EtcdCluster, { snapshot }: Backup, ...more: string[]): Promise<void> {
  await member.kill();
  rmSync(member.directory, { recursive: true });
  const peers = ['--name', member.name, '--initial-advertise-peer-urls', member.peerUrl, '--initial-cluster', `${member.name}=${member.peerUrl}`];
  const args = ['snapshot', 'restore', snapshot, '--data-dir', member.directory, ...peers, ...more];
  const { status, stderr } = spawnSync(programs['etcdutl'] as string, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  await member.start();
}
