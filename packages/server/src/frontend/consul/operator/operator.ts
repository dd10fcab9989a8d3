/**
 * `/v1/operator/`: to Consul's clients, the nodes of a store are the healthy servers of a datacenter,
 * however the store is replicated. There is no Raft, no autopilot and no gossip to control:
 * such requests are refused, with Consul's text if it has one.
 */

import { select } from '../../../net/slices.ts';
import { servicesAt } from '../../../registry/kind/catalog/services-at.ts';
import { allNodes, findNode, instancesOfService } from '../../../registry/kind/catalog/find.ts';
import { type Call, type Handler, written } from '../request/call.ts';
import { jsonBody } from '../request/query.ts';
import { failedServersOf, serversOf } from '../request/servers.ts';
import { invalid, quoted } from '../wire/errors.ts';
import type { Reply } from '../wire/reply.ts';

/** `GET /v1/operator/raft/configuration` */
export function raftConfiguration({ context, params }: Call): Reply {
  const servers = serversOf(context).map(({ id, name, address, leads }) => ({
    ID: id,
    Node: name,
    Address: address,
    Leader: leads,
    ProtocolVersion: '3',
    Voter: true,
    LastIndex: context.registry.state.revision,
  }));
  return jsonBody(params)({ Servers: servers, Index: 0 });
}

/** `DELETE /v1/operator/raft/peer?address=` or `?id=` */
export function removePeer({ params }: Call): never {
  const [id, address] = [params.get('id'), params.get('address')];
  if ((id === '') === (address === '')) throw invalid('Must specify either ?id with the server\'s ID or ?address with IP:port of peer to remove');
  throw invalid(`${id === '' ? `address ${quoted(address)}` : `id ${quoted(id)}`} was not found in the Raft configuration`);
}

/** `POST /v1/operator/raft/transfer-leader` */
export const transferLeader = refuse('failed to transfer leadership: cannot find peer');

/** `/v1/operator/keyring`, for every request. */
export const keyring = refuse('Keyring is empty (encryption not enabled)');

/** `GET /v1/operator/autopilot/health`. Any server can do without the others, so all but one may fail. Those that have failed come last. */
export function health({ context, params }: Call): Reply {
  const servers = serversOf(context).map(({ id, name, address, version, leads, leaves }) => ({
    ID: id,
    Name: name,
    Address: address,
    SerfStatus: leaves ? 'leaving' : 'alive',
    Version: version,
    Leader: leads,
    LastContact: '0s',
    LastTerm: 1,
    LastIndex: context.registry.state.revision,
    Healthy: true,
    Voter: true,
  }));
  const failed = failedServersOf(context).map(({ id, name, address, version }) => ({
    ...{ ID: id, Name: name, Address: address, SerfStatus: 'failed', Version: version, Leader: false, LastContact: '0s' },
    ...{ LastTerm: 1, LastIndex: 0, Healthy: false, Voter: false },
  }));
  return jsonBody(params)({ Healthy: failed.length === 0, FailureTolerance: servers.length - 1, Servers: [...servers, ...failed] });
}

/** `GET /v1/operator/autopilot/configuration`: Consul's defaults, for programs that expect one. */
export function autopilotConfiguration({ params }: Call): Reply {
  return jsonBody(params)({
    CleanupDeadServers: true,
    LastContactThreshold: '200ms',
    MaxTrailingLogs: 250,
    MinQuorum: 0,
    ServerStabilizationTime: '10s',
    RedundancyZoneTag: '',
    DisableUpgradeMigration: false,
    UpgradeVersionTag: '',
    CreateIndex: 1,
    ModifyIndex: 1,
  });
}

/** `PUT /v1/operator/autopilot/configuration` */
export const configureAutopilot = refuse('autopilot cannot be configured: servers join and leave by themselves');

/** `GET /v1/operator/autopilot/state` */
export function autopilotState({ context, params }: Call): Reply {
  const { state } = context.registry;
  const all = serversOf(context);
  const servers = all.map(({ id, name, address, version, leads, leaves }) => ({
    ID: id,
    Name: name,
    Address: address,
    NodeStatus: leaves ? 'leaving' : 'alive',
    Version: version,
    LastContact: '0s',
    LastTerm: 1,
    LastIndex: state.revision,
    Healthy: true,
    // Go's zero time: the server does not measure it.
    StableSince: '0001-01-01T00:00:00Z',
    ReadReplica: false,
    Status: leads ? 'leader' : 'voter',
    Meta: findNode(state, name)?.meta ?? {},
    NodeType: 'voter',
  }));
  return jsonBody(params)({
    Healthy: true,
    FailureTolerance: all.length - 1,
    OptimisticFailureTolerance: all.length - 1,
    Servers: Object.fromEntries(servers.map((server) => [server.ID, server])),
    Leader: all[0]?.id ?? '',
    Voters: all.map(({ id }) => id),
  });
}

/** `GET /v1/operator/usage` */
export function usage(call: Call): Reply {
  const { identity, registry } = call.context;
  const { datacenter } = identity;
  return written(call, function* (state, out) {
    const { pace } = out;
    const services = servicesAt(state, call.namespace);
    let instances = 0;
    let billable = 0;
    for (const service of services) {
      for (const row of yield* select(instancesOfService(state, call.namespace, service), () => true, pace)) {
        instances++;
        // As in Consul, the servers themselves and the parts of a mesh do not count.
        if (service !== 'consul' && row.foreign?.['Kind'] === undefined) billable++;
      }
    }
    const nodes = yield* select(allNodes(state), () => true, pace);
    out.value({
      Usage: {
        [datacenter]: {
          Services: services.length,
          ServiceInstances: instances,
          ConnectServiceInstances: {},
          BillableServiceInstances: billable,
          Nodes: nodes.length,
        },
      },
      Index: state.revision,
      KnownLeader: registry.staleMs === 0,
    });
  });
}

function refuse(reason: string): Handler {
  return () => {
    throw invalid(reason);
  };
}
