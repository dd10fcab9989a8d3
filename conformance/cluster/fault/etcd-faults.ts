/** Faults of an etcd cluster: members and leaders that are killed or frozen, all of them away, no space left. */

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

