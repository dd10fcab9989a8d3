/** The answer of `GET /rollcall/v1/cluster`: the nodes of the store, and what each of them says of itself. */

import { object, type Shaped } from '../schema.ts';
import { count, missing, share, text, time, yes } from './values.ts';

const cause = object({ name: text, lost: { ...count, description: 'Leases that have lapsed' }, of: { ...count, description: 'All leases' }, share: { ...share, description: 'Of all lapsed leases' } });
const causes = { type: 'array', items: cause, description: 'At most five that have lost most' } as const;

/** Also a part of the status of a server. */
export const livenessSchema = object({
  frozen: { ...yes, description: 'Whether self-preservation has frozen expiry' },
  'sinceMs?': time,
  'untilMs?': { ...time, description: 'Its end, unless more leases are lost' },
  held: { ...count, description: 'Lapsed leases that have not expired yet' },
  'kinds?': object({ 'check?': count, 'session?': count, 'stream?': count, 'removal?': count }),
  share: { ...share, description: 'Of lapsed leases among all' },
  'causes?': object({ nodes: causes, services: causes, principals: causes }),
});

const certificate = object({
  listener: text,
  kind: { type: 'string', enum: ['own', 'authority'], description: 'Of the listener, or the first to end of those that sign client certificates' },
  subject: text,
  notAfterMs: time,
});

const facts = object({
  nodeId: text,
  process: { ...text, description: '`primary`, or `worker 1`' },
  pid: { ...count, description: '0: not known' },
  ready: yes,
  'reason?': { ...text, description: 'Why it is not ready' },
  revision: { ...count, description: 'Of the newest applied change' },
  liveness: livenessSchema,
  startedMs: time,
  lag: object({ revisions: count, seconds: { type: 'number', minimum: 0 } }, 'How far its state is behind the store'),
  watched: { ...count, description: 'Deadlines that it watches' },
  memoryMiB: count,
  certificates: { type: 'array', items: certificate },
});

const member = object({
  ...{ 'nodeId': text, 'name': text, 'address': text, 'version': text, 'epoch': count, 'draining?': yes, 'worker?': yes, 'edge?': yes },
  isOwn: { ...yes, description: 'It has answered this request itself' },
  'facts?': { ...facts, description: 'Absent while it does not answer' },
});

export const clusterSchema = object({
  datacenter: text,
  registryId: { ...text, description: 'Names the store' },
  isShared: { ...yes, description: 'Whether other nodes may share the store' },
  engine: text,
  revision: count,
  rows: { ...count, description: 'Of the store' },
  members: { type: 'array', items: member },
  failed: { type: 'array', items: object({ name: text, address: text, version: text, failedMs: time }) },
  missing,
});

export const expiryOverrideSchema = object({
  expired: { ...count, description: 'Lapsed leases that expire now, on all nodes' },
  missing: { type: 'array', items: text, description: 'Nodes that have not answered, and may go on with their freeze' },
});

/** The lost leases of one node, service or principal. */
export type LossCause = Shaped<typeof cause>;
export type LivenessStatus = Shaped<typeof livenessSchema>;
/** A certificate that a server shows, or by which it checks those of its clients. */
export type ShownCertificate = Shaped<typeof certificate>;
/** What one process of a store says of itself. */
export type NodeFacts = Shaped<typeof facts>;
export type ShownMember = Shaped<typeof member>;
/** What came of an operator's word that lapsed leases are lost. */
export type ExpiryOverride = Shaped<typeof expiryOverrideSchema>;
export type ClusterAnswer = Shaped<typeof clusterSchema>;
