/** The answers of `GET /rollcall/v1/clients` and `GET /rollcall/v1/topology`: who is connected, and who uses which service. */

import { frameViewKinds } from '../frame-view.ts';
import { object, type Shaped } from '../schema.ts';
import { count, missing, name, rate, text, time, yes } from './values.ts';

const rates = {
  'picksPerSecond': { ...rate, description: 'Requests that were sent to an instance' },
  'failuresPerSecond': { ...rate, description: 'Those of them that failed' },
  'meanMs?': { ...rate, description: 'Mean latency, where clients measure it' },
  'p99Ms?': { ...rate, description: '99 of 100 requests are faster' },
} as const;

const watch = object({ kind: { type: 'string', enum: [...frameViewKinds, 'znode'], description: 'A view of the native stream, or a path of ZooKeeper' }, namespace: text, name: { ...text, description: 'Empty for `services`' } });
const instance = object({ namespace: text, service: text, node: text, id: text });
const release = object({
  namespace: text,
  name: { ...text, description: 'APP/NAME' },
  release: { ...count, description: '0: none' },
  'rollout?': text,
  'applied?': { ...yes, description: 'Whether the program uses it; absent when it has not said' },
  'error?': { ...text, description: 'Why not' },
});
const picks = object({ namespace: text, service: text, ...rates });

const client = object({
  id: { ...text, description: 'The same as long as the connection lives' },
  client: { ...text, description: 'Name of the client' },
  namespace: text,
  'version?': { ...text, description: 'Program and version of its library' },
  'address?': { ...text, description: 'With operator:read only' },
  node: { ...text, description: 'That it is connected to' },
  'principal?': { ...text, description: 'Description of its token, or the public id; with operator:read only' },
  via: { ...text, description: 'Protocol' },
  'sinceMs?': { ...count, description: 'When it connected, since the Unix epoch' },
  instances: { type: 'array', items: instance, description: 'Registered on this connection, the first 100' },
  instanceCount: { ...count, description: 'All of them; as many as are listed for a caller who may not read everything' },
  watches: { type: 'array', items: watch, description: 'The first 100' },
  watchCount: { ...count, description: 'All of them; as many as are listed for a caller who may not read everything' },
  releases: { type: 'array', items: release, description: 'Of configurations that it follows' },
  picks: { type: 'array', items: picks, description: 'By its last report' },
  can: { type: 'array', items: { type: 'string', enum: ['read', 'inspect'] }, description: 'What the caller may do with it; inspect: see its address and its token, which needs operator:read' },
});

const edge = object({
  from: { ...name, description: 'A service, if the client has registered an instance; otherwise the name of the client' },
  fromKind: { type: 'string', enum: ['service', 'client'] },
  fromNamespace: text,
  to: { ...text, description: 'A service' },
  toNamespace: text,
  watches: { ...count, description: 'Clients that watch it' },
  ...rates,
});

const unknown = {
  type: 'array',
  items: object({ node: text, sinceMs: { ...count, description: 'First time of which it knows its clients, since the Unix epoch' } }),
  description: 'Of a past time: nodes that do not know which clients they had',
} as const;

const lastFollower = object(
  {
    'lastMs?': { ...time, description: 'When a client was last seen to follow it, to 10 s, in milliseconds since the Unix epoch; absent: never since `knownMs`' },
    sinceMs: { ...time, description: 'From when on all nodes know their clients without a gap' },
    knownMs: { ...time, description: 'First time of which all nodes know their clients' },
  },
  'Only if `config` is asked for and no client follows it now, and all nodes know',
);

export const clientListSchema = object({
  clients: { type: 'array', items: client },
  count: { ...count, description: 'Clients that were found; more than are listed beyond the limit' },
  missing,
  'unknown?': unknown,
  'lastFollower?': lastFollower,
});

export const topologySchema = object({ edges: { type: 'array', items: edge }, missing, 'unknown?': unknown });

/** What a client watches. */
export type ClientWatch = Shaped<typeof watch>;
/** An instance that lives as long as the connection of its client. */
export type ClientInstance = Shaped<typeof instance>;
/** The release of a configuration that a client was given. */
export type ClientRelease = Shaped<typeof release>;
/** How often a client chose an instance of a service, by its last report. */
export type ClientPicks = Shaped<typeof picks>;
/** One client of any node. */
export type ListedClient = Shaped<typeof client>;
/** When a client last followed a configuration. */
export type ClientsLastFollower = Shaped<typeof lastFollower>;
export type ClientList = Shaped<typeof clientListSchema>;
/** Who uses a service, and how much. */
export type TopologyEdge = Shaped<typeof edge>;
export type Topology = Shaped<typeof topologySchema>;
