/** `/v1/agent/self` and `/v1/agent/members`: the caller's agent, and all agents. */

import { defaultNamespace } from '@rollcall/protocol';
import type { AgentNode } from '../../../net/agent-node.ts';
import type { Identity } from '../../../net/frontend.ts';
import { inOrder, order, select } from '../../../net/slices.ts';
import { serfHealth } from '../../../registry/kind/catalog/known-checks.ts';
import { allNodes, checksOnNode, findCheck, findNode, instancesOnNode } from '../../../registry/kind/catalog/find.ts';
import { failedMachines } from '../../../registry/kind/member/find.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import type { Reader } from '../../../registry/reader.ts';
import type { State } from '../../../registry/state.ts';
import { memberShape, readFilter, wanted } from '../catalog/filters.ts';
import { type Call, listed } from '../request/call.ts';
import { endpoint } from '../request/endpoint.ts';
import { permission } from '../request/permission.ts';
import { jsonBody } from '../request/query.ts';
import { behavesLike, buildDate, serverPort, versionOf } from '../request/server-identity.ts';
import { serversOf, type ServerFace } from '../request/servers.ts';
import { agentId, agentOf } from '../request/virtual-agent.ts';
import { invalid } from '../wire/errors.ts';
import { writeList } from '../wire/json-writer.ts';
import type { Reply } from '../wire/reply.ts';

/** The port on which Consul's agents gossip; Rollcall only shows it with a member. */
const gossipPort = 8301;

/** `Status` of a member in Serf's numbers. */
const memberAlive = 1;
const memberLeaving = 2;
const memberFailed = 4;

/** `GET /v1/agent/self` */
export const self = endpoint({
  decode: ({ exchange, identity }) => agentOf(exchange.request, identity),
  permissions: ({ name }) => [permission('agent', 'read', name)],
  answer: selfAnswer,
});

function selfAnswer(agent: AgentNode, { context, identity, limits, params }: Call): Reply {
  const secured = context.security.acl.enabled;
  const { state } = context.registry;
  const servers = serversOf(context);
  const datacenter = { identity, servers, failed: failedNames(state), secured };
  const server = servers.some(({ name }) => name === agent.name);
  const row = findNode(state, agent.name);
  return jsonBody(params)({
    Config: {
      Datacenter: identity.datacenter,
      PrimaryDatacenter: identity.datacenter,
      NodeName: agent.name,
      NodeID: row?.id || agentId(agent.name, identity),
      Revision: '',
      Server: server,
      Version: versionOf(identity),
      BuildDate: buildDate,
      // Old versions of Consul had it here. Patroni reads it when the TTL of its session is refused.
      SessionTTLMin: 10_000_000_000,
    },
    DebugConfig: {
      Datacenter: identity.datacenter,
      NodeName: agent.name,
      ACLsEnabled: secured,
      EnableRemoteScriptChecks: false,
      // Consul has -1 for a listener that is off.
      HTTPPort: identity.httpPort || -1,
      HTTPSPort: identity.httpsPort || -1,
      KVMaxValueSize: limits.kvValueBytesMax,
      ServerMode: server,
      // Tools pass this address to `agent/join`.
      SerfAdvertiseAddrLAN: `tcp://${agent.address.includes(':') ? `[${agent.address}]` : agent.address}:${gossipPort}`,
      SessionTTLMin: '10s',
    },
    Coord: null,
    Member: member(agent.name, agent.address, row?.id || agentId(agent.name, identity), 'passing', datacenter),
    Stats: stats(state, agent.name, datacenter),
    Meta: row?.meta ?? {},
  });
}

/** All values are strings, as in Consul. */
function stats(state: State, node: string, { identity, servers, secured }: Datacenter): unknown {
  const leads = servers[0]?.id === identity.nodeId;
  const checks = [...checksOnNode(state, defaultNamespace, node)];
  return {
    agent: {
      check_monitors: '0',
      check_ttls: String(checks.filter((check) => check.type === 'ttl').length),
      checks: String(checks.length),
      services: String([...instancesOnNode(state, defaultNamespace, node)].length),
    },
    build: { prerelease: '', revision: '', version: versionOf(identity) },
    consul: {
      acl: secured ? 'enabled' : 'disabled',
      bootstrap: String(servers.length === 1),
      known_datacenters: '1',
      leader: String(leads),
      // Tools compare it with /v1/status/leader.
      leader_addr: servers[0]?.address ?? '',
      server: 'true',
    },
    raft: {
      applied_index: String(state.revision),
      commit_index: String(state.revision),
      num_peers: String(servers.length - 1),
      state: leads ? 'Leader' : 'Follower',
    },
    runtime: { arch: process.arch, os: process.platform, version: process.version },
  };
}

/** `GET /v1/agent/members`: all agents, that is, all nodes with the check `serfHealth`. */
export function members(call: Call): Reply {
  const { context, params } = call;
  const filter = readFilter(params, memberShape);
  const datacenter = { identity: context.identity, servers: serversOf(context), failed: failedNames(context.registry.state), secured: context.security.acl.enabled };
  if (params.get('segment') !== '' && params.get('segment') !== '_all') {
    throw invalid('Network segments are not supported in this version of Consul');
  }
  // Across datacenters Consul lists servers only, and there is one server in one datacenter.
  const alone = params.get('wan') !== '';
  return listed(call, function* (state, visible, out) {
    const seen = (row: RowOf<'node'>) => isAgent(state, row) && visible.includes('node', row.name);
    const agents = alone ? [] : yield* select(allNodes(state), seen, out.pace, 1);
    const wants = filter.begin(out.pace);
    yield* writeList(out, yield* inOrder(agents, (a, b) => order(a.name, b.name), out.pace), (row) => {
      const status = findCheck(state, defaultNamespace, row.name, serfHealth)?.status ?? 'critical';
      return wanted(wants, member(row.name, row.address, row.id, status, datacenter));
    });
  });
}

function isAgent(state: Reader, { name }: RowOf<'node'>): boolean {
  return findCheck(state, defaultNamespace, name, serfHealth) !== undefined;
}

function failedNames(state: State): ReadonlySet<string> {
  return new Set(failedMachines(state).map(({ name }) => name));
}

/** The fields that are equal for all members. */
interface Datacenter {
  readonly identity: Identity;
  readonly servers: readonly ServerFace[];
  /** Names of servers that have failed. */
  readonly failed: ReadonlySet<string>;
  readonly secured: boolean;
}

function member(name: string, address: string, id: string, status: string, { identity, servers, failed, secured }: Datacenter): object {
  const server = servers.find((each) => each.name === name);
  const isServer = server !== undefined || failed.has(name);
  return {
    Name: name,
    Addr: address,
    Port: gossipPort,
    Tags: {
      ...(isServer ? { acls: secured ? '1' : '0', ...expected(servers), port: String(serverPort), raft_vsn: '3' } : {}),
      build: `${behavesLike}:`,
      dc: identity.datacenter,
      id,
      role: isServer ? 'consul' : 'node',
      segment: '',
      vsn: '2',
      vsn_max: '3',
      vsn_min: '2',
    },
    Status: server?.leaves === true ? memberLeaving : status === 'critical' || failed.has(name) ? memberFailed : memberAlive,
    ProtocolMin: 1,
    ProtocolMax: 5,
    ProtocolCur: 2,
    DelegateMin: 2,
    DelegateMax: 5,
    DelegateCur: 4,
  };
}

/** A server that is alone says so; of several, each says how many there are. */
function expected({ length }: readonly ServerFace[]): object {
  return length === 1 ? { bootstrap: '1' } : { expect: String(length) };
}
