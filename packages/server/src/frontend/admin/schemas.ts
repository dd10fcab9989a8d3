/** The parameters and answers of this front end's routes, as the OpenAPI document has them. A test validates real answers against them. */

import { expiryOverrideSchema, administrativeStatuses, clusterSchema, frameLimits as limits, livenessSchema } from '@rollcall/protocol';
import { object, type Content, type Operation, type Parameter, type Schema } from '../../net/open-api.ts';

const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer', minimum: 0 };
const share: Schema = { type: 'number', minimum: 0, maximum: 1 };
const yes: Schema = { type: 'boolean' };
const name: Schema = { type: 'string', maxLength: limits.nameMax };
const meta: Schema = { type: 'object', additionalProperties: text };

const json = (schema: Schema, description: string): Content => ({ type: 'application/json', schema, description });
const bytes = (description: string): Content => ({ type: 'application/octet-stream', schema: {}, description });
const plain = (description: string): Content => ({ type: 'text/plain', schema: text, description });

const countsOfServices = { services: count, servicesAvailable: count, instances: count };

const status = object({
  version: text,
  datacenter: text,
  registryId: { ...text, description: 'Names the store' },
  nodeName: text,
  nodeId: text,
  httpPort: { type: 'integer', minimum: 0, maximum: 65_535 },
  ready: yes,
  revision: { ...count, description: 'Of the newest applied change' },
  counts: object({ ...countsOfServices, nodes: count, nodesAvailable: count, checks: count, sessions: count, kvKeys: count }),
  namespaces: { type: 'array', items: object({ namespace: text, ...countsOfServices }) },
  availability: share,
  liveness: livenessSchema,
  'processes?': { type: 'array', items: object({ process: text, pid: count, ready: yes, 'reason?': text, revision: count, held: count }) },
});

const word: Schema = { type: 'string', enum: administrativeStatuses };
const override: Schema = { type: ['string', 'null'], enum: [...administrativeStatuses, null], description: 'null: none' };
const effective: Schema = { type: 'string', enum: ['passing', 'warning', 'starting', 'draining', 'critical', 'maintenance'] };

const record = json(
  object({ namespace: text, name: text, meta, protectThreshold: share, instances: count }),
  'The record of the service, and the number of its instances',
);

const namesService: readonly Parameter[] = [
  { name: 'name', description: 'The service', required: true, schema: name },
  { name: 'namespace', description: 'Its namespace', schema: { ...name, default: 'default' } },
];

const restored = json(object({ records: count, revision: count }), 'The number of records, and the revision after it');
const restore: Operation = { summary: 'Replace everything by a backup', body: bytes('A backup, or a snapshot of /v1/snapshot'), answer: restored };

export const operations = {
  metrics: { GET: { summary: 'Metrics in the text format of Prometheus', answer: plain('A scrape') } },
  healthz: { GET: { summary: 'Whether the process runs', answer: plain('It runs') } },
  readyz: { GET: { summary: 'Whether the server should get requests', answer: plain('It should') } },
  status: { GET: { summary: 'Identity, counts, availability and liveness', answer: json(status, 'The status of this server') } },
  cluster: { GET: { summary: 'The nodes of the store, and how each of them is', answer: json(clusterSchema, 'Members in the order in which they joined; one that does not answer has no facts') } },
  backup: { GET: { summary: 'The whole registry at one revision', answer: bytes('A backup') } },
  restore: { PUT: restore, POST: restore },
  override: { POST: { summary: 'Let the leases expire that self-preservation has frozen', answer: json(expiryOverrideSchema, 'Their number, on all nodes') } },
  leave: { POST: { summary: 'Make this node leave its store', answer: json(object({ left: { type: 'boolean', const: true } }), 'It has left') } },
  'instance-status': {
    PUT: {
      summary: 'Override the status of an instance, enable or disable it',
      body: json(object({ 'namespace?': name, 'service': name, 'id': name, 'node?': name, 'override?': override, 'enabled?': yes }), 'The instance, and what to set'),
      answer: json(object({ namespace: text, service: text, node: text, id: text, status: word, override, enabled: yes, effective }), 'The instance as it is now'),
    },
  },
  'service-record': {
    GET: { summary: 'The record of a service', parameters: namesService, answer: record },
    PUT: { summary: 'Write the record of a service', parameters: namesService, body: json(object({ 'meta?': meta, 'protectThreshold?': share }), 'The record'), answer: record },
    DELETE: { summary: 'Delete the record of a service', parameters: namesService, answer: json(object({ deleted: yes }), 'Whether there was one') },
  },
  'open-api': { GET: { summary: 'This document', answer: json({ type: 'object' }, 'OpenAPI 3.1') } },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Operation>>>>;
