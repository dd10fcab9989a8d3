/** The page of the cluster: who belongs to the store, how each of them is, and what the store is. Pure, apart from what the nodes say of themselves. */

import type { ClusterAnswer } from '@rollcall/protocol';
import type { Context } from '../../net/frontend.ts';
import { failedMachines, findMembers, membersOf } from '../../registry/kind/member/find.ts';
import type { Member } from '../../registry/kind/member/rows.ts';
import type { ClusterFacts } from './deps.ts';

export function clusterPage({ identity, registry: { state } }: Context, { own, facts, missing, engine }: ClusterFacts): ClusterAnswer {
  const byId = new Map(facts.map((each) => [each.nodeId, each]));
  const isShared = findMembers(state) !== undefined;
  // The only node of a store is in no row.
  const alone: Member = { nodeId: own, name: identity.nodeName, address: '', version: identity.version, epoch: 0 };
  const members = isShared ? membersOf(state) : [alone];
  return {
    ...{ datacenter: identity.datacenter, registryId: identity.registryId, isShared, engine, revision: state.revision, rows: state.size },
    members: members.map(({ nodeId, name, address, version, epoch, draining, worker, edge }) => {
      const member = { nodeId, name, address, version, epoch, ...(draining && { draining }), ...(worker && { worker }), ...(edge && { edge }) };
      const found = byId.get(nodeId);
      if (found === undefined) return { ...member, isOwn: nodeId === own };
      return { ...member, isOwn: nodeId === own, facts: found };
    }),
    failed: [...failedMachines(state)].map(({ name, address, version, failedMs }) => ({ name, address, version, failedMs })),
    missing,
  };
}
