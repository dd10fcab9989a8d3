/** Operations of `PUT /v1/txn` on nodes, services and checks: each verb as one step, and its results. Pure. */

import { defaultNamespace } from '@rollcall/protocol';
import type { Register } from '../../../registry/kind/catalog/commands.ts';
import { checkKey, instanceKey, nodeKey } from '../../../registry/kind/catalog/keys.ts';
import type { Row, TxnFailure, TxnOperation } from '../../../registry/kinds.ts';
import { checkJson, nodeJson, serviceJson } from '../catalog/catalog-json.ts';
import { catalogCheck, catalogInstance, vetNodeId } from '../catalog/definitions.ts';
import { instanceOf } from '../catalog/selection.ts';
import { placed, type Scope } from '../request/scope.ts';
import { invalid, quoted } from '../wire/errors.ts';
import { keep } from '../wire/foreign.ts';
import type { JsonValue } from '../wire/json.ts';
import { vetMeta, vetName } from '../wire/vetting.ts';
import { type Parts, removal, revisionOf, type Shown } from './operation.ts';
import type { TxnOperationFields } from './schema.ts';

/** What nodes, services and checks have in common for the verbs. */
interface Subject {
  readonly kind: 'Node' | 'Service' | 'Check';
  readonly verb: string;
  /** The row's record key. */
  readonly key: string;
  readonly revision: number;
  /** For messages: `service "web" on node "n1"`. */
  readonly name: string;
  /** The command that writes it. @throws RegistryError `invalid_argument` */
  readonly register: () => Register;
  readonly remove: NonNullable<TxnOperation['change']>;
  readonly json: (row: Row, shown: Shown) => JsonValue;
}

function catalogOperation(subject: Subject): Parts {
  const { kind, verb, key, revision, name, json } = subject;
  const read = (step: TxnOperation, unmet: string): Parts => ({
    step: { ...step, read: { key } },
    results: (rows, shown) => rows.map((row) => ({ [kind]: json(row, shown) })),
    failure: (told) => (told.reason === 'refused' ? missingPart(told) : unmet),
  });
  switch (verb) {
    case 'get':
      return read({ require: { key, present: true } }, `${name} doesn't exist`);
    case 'set':
      return read({ change: subject.register() }, '');
    case 'cas':
      return read(
        { require: { key, revision }, change: subject.register() },
        `failed to set ${name}, index is stale`,
      );
    case 'delete':
      return removal({ change: subject.remove }, '');
    case 'delete-cas':
      // Unlike a key, an absent node, service or check makes `delete-cas` fail.
      return removal(
        { require: { key, revision: revision === 0 ? -1 : revision }, change: subject.remove },
        `failed to delete ${name}, index is stale`,
      );
    default:
      throw invalid(`unknown ${kind} verb ${quoted(verb)}`);
  }
}

function missingPart({ error }: TxnFailure): string {
  if (error?.code !== 'not_found') return error?.message ?? '';
  return error.message.startsWith('node ') ? 'Missing node registration' : 'Missing service registration';
}

export function nodeOperation({ Verb = '', Node: fields = {} }: NonNullable<TxnOperationFields['Node']>): Parts {
  const { Node: node = '', Address: address = '', Meta: meta = {} } = fields;
  checkPeer(fields.PeerName);
  const id = vetNodeId(fields.ID ?? '');
  return catalogOperation({
    kind: 'Node',
    verb: Verb,
    key: nodeKey(vetName(node, 'node name')),
    revision: revisionOf(fields.ModifyIndex),
    name: `node ${quoted(node)}`,
    register: () => {
      if (node === '') throw invalid('Must provide node');
      return {
        kind: 'register',
        namespace: defaultNamespace,
        node: {
          name: node,
          ...(id === '' ? {} : { id }),
          address: vetName(address, 'node address'),
          meta: vetMeta(meta, 'Node Meta', 'allowed'),
          ...keep({ TaggedAddresses: fields.TaggedAddresses ?? null, Locality: fields.Locality }),
        },
        nodeMode: 'update',
      };
    },
    remove: { kind: 'deregister-node', node },
    json: (row, { datacenter }) => (row.kind === 'node' ? mutable(nodeJson(row, datacenter)) : null),
  });
}

export function serviceOperation(
  scope: Scope,
  { Verb = '', Node: node = '', Service: fields = {} }: NonNullable<TxnOperationFields['Service']>,
): Parts {
  const { namespace } = scope;
  checkPeer(fields.PeerName);
  vetName(node, 'node name');
  const id = vetName(fields.ID || fields.Service || '', 'service ID');
  return catalogOperation({
    kind: 'Service',
    verb: Verb,
    key: instanceKey(namespace, node, id),
    revision: revisionOf(fields.ModifyIndex),
    name: `service ${quoted(id)} on node ${quoted(node)}`,
    register: () => {
      const { ModifyIndex: _index, ...content } = fields;
      return {
        kind: 'register',
        namespace,
        node: { name: node, address: '' },
        nodeMode: 'exists',
        instances: [catalogInstance(content)],
      };
    },
    remove: { kind: 'deregister-instance', namespace, node, id },
    json: (row) => (row.kind === 'instance' ? mutable(placed(scope, row, serviceJson(row))) : null),
  });
}

export function checkOperation(
  scope: Scope,
  { Verb = '', Check: fields = {} }: NonNullable<TxnOperationFields['Check']>,
): Parts {
  const { namespace } = scope;
  checkPeer(fields.PeerName);
  const node = vetName(fields.Node ?? '', 'node name');
  const id = vetName(fields.CheckID || fields.Name || '', 'check ID');
  // A check without a service belongs to the node.
  const own = !fields.ServiceID && (Verb === 'set' || Verb === 'cas') ? defaultNamespace : namespace;
  return catalogOperation({
    kind: 'Check',
    verb: Verb,
    key: checkKey(own, node, id),
    revision: revisionOf(fields.ModifyIndex),
    name: `check ${quoted(id)} on node ${quoted(node)}`,
    register: () => {
      const { ModifyIndex: _index, ...content } = fields;
      return {
        kind: 'register',
        namespace,
        node: { name: node, address: '' },
        nodeMode: 'exists',
        checks: [catalogCheck(content, node)],
      };
    },
    remove: { kind: 'deregister-check', namespace, node, id },
    json: (row, { state }) => (row.kind === 'check' ? mutable(placed(scope, row, checkJson(row, instanceOf(state, row)))) : null),
  });
}

function checkPeer(peer: string | undefined): void {
  if (peer) throw invalid('cannot register requests with PeerName in them');
}

/** The same value without `readonly`: parts of rows are read-only, and the JSON writer does not accept that. */
function mutable(value: object): JsonValue {
  return value as JsonValue;
}
