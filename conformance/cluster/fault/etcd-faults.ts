/** Faults of an etcd cluster: members and leaders that are killed or frozen, all of them away, no space left, an old snapshot restored. */

import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';

import type { EtcdCluster, EtcdMember } from '../../etcd/start.mjs';
import type { FaultKind } from '../deployment.ts';

export function etcdFaults(etcd: EtcdCluster): FaultKind[] {
  const killed = async (members: readonly EtcdMember[]) => {
    await Promise.all(members.map((member) => member.kill()));
    return async () => {
      await Promise.all(members.map((member) => member.start()));
    };
  };
  const frozen = async (member: EtcdMember) => {
    member.pause();
    return async () => member.resume();
  };
  const fault = (name: string, lastsMs: FaultKind['lastsMs'], of: 'any' | 'leader' | 'all', begin: (members: readonly EtcdMember[]) => Promise<() => Promise<void>>): FaultKind => ({
    name: `etcd ${name}`,
    lastsMs,
    async begin(random) {
      const any = random.pick(etcd.members) ?? etcd.members[0];
      const chosen = of === 'all' ? etcd.members : [of === 'leader' ? await leaderOf(etcd) : any];
      return { what: `etcd ${name} (${chosen.map((member) => member.name).join()})`, end: await begin(chosen) };
    },
  });
  return [
    fault('member killed', [500, 4_000], 'any', killed),
    fault('leader killed', [500, 4_000], 'leader', killed),
    fault('leader frozen', [500, 4_000], 'leader', ([leader]) => frozen(leader ?? etcd.members[0])),
    fault('away', [500, 3_000], 'all', killed),
    fault('out of space', [500, 4_000], 'all', () => outOfSpace(etcd)),
  ];
}

/** The member that reports itself as the leader; the first one when none does. */
export async function leaderOf(etcd: EtcdCluster): Promise<EtcdMember> {
  for (const member of etcd.members) {
    const status = await call(member, 'maintenance/status', {}).catch(() => undefined);
    if (status?.header !== undefined && status.leader === status.header.member_id) return member;
  }
  return etcd.members[0];
}

/** The id of a member, in hexadecimal as etcd writes it. */
export async function memberIdOf(member: EtcdMember): Promise<string> {
  const { header } = await call(member, 'maintenance/status', {});
  return BigInt(header?.member_id ?? 0).toString(16);
}

/**
 * An operator restores a snapshot under running nodes, with etcd's own tool. What was written after the snapshot is lost, so a run
 * with this fault promises less (`judge.ts`).
 */
export function restoredFault(etcd: EtcdCluster): FaultKind {
  return {
    name: 'etcd restored',
    lastsMs: [500, 2_500],
    forgets: true,
    async begin() {
      const file = `${etcd.members[0].directory}.snapshot`;
      writeFileSync(file, await snapshotOf(etcd.members[0]));
      return {
        what: 'etcd restored from an older snapshot',
        async end() {
          const cluster = etcd.members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join();
          await Promise.all(etcd.members.map((member) => member.kill()));
          for (const { name, peerUrl, directory } of etcd.members) {
            rmSync(directory, { recursive: true });
            const place = ['--name', name, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', cluster];
            const { status, stderr } = spawnSync(etcd.programs['etcdutl'] ?? 'etcdutl', ['snapshot', 'restore', file, '--data-dir', directory, ...place], { encoding: 'utf8' });
            if (status !== 0) throw new Error(stderr);
          }
          await Promise.all(etcd.members.map((member) => member.start()));
        },
      };
    },
  };
}

/** A snapshot, as `etcdctl snapshot save` writes it: the gateway sends it as lines of JSON. */
async function snapshotOf(member: EtcdMember): Promise<Buffer> {
  const answer = await fetch(`${member.url}/v3/maintenance/snapshot`, { method: 'POST', body: '{}' });
  const lines = (await answer.text()).trim().split('\n');
  return Buffer.concat(lines.map((line) => Buffer.from((JSON.parse(line) as { readonly result: { readonly blob?: string } }).result.blob ?? '', 'base64')));
}

/** Raises the alarm that etcd raises when its quota is used up: it refuses writes and answers reads. */
async function outOfSpace(etcd: EtcdCluster): Promise<() => Promise<void>> {
  const { members } = etcd;
  const alarm = async (action: 'ACTIVATE' | 'DEACTIVATE'): Promise<void> => {
    const status = await call(members[0], 'maintenance/status', {});
    await call(members[0], 'maintenance/alarm', { action, memberID: status.header?.member_id, alarm: 'NOSPACE' });
  };
  await alarm('ACTIVATE');
  return () => alarm('DEACTIVATE');
}

interface GatewayAnswer {
  readonly header?: { readonly member_id: string };
  readonly leader?: string;
}

/** Through etcd's JSON gateway. @throws Error when it refuses, or does not answer in 5 s */
async function call(member: EtcdMember, path: string, body: object): Promise<GatewayAnswer> {
  const answer = await fetch(`${member.url}/v3/${path}`, { method: 'POST', body: JSON.stringify(body), signal: AbortSignal.timeout(5_000) });
  if (!answer.ok) throw new Error(`etcd ${member.name}: ${path} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as GatewayAnswer;
}

