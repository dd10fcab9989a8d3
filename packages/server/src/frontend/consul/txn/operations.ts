/**
 * The operations of `PUT /v1/txn`: converts each verb to one step of the registry's `txn` command, and its outcome to
 * Consul's result or error (`agent/consul/state/txn.go`). Pure.
 */

import { isRegistryError } from '@rollcall/protocol';
import { scopeIn, type Scope } from '../request/scope.ts';
import { invalid, quoted, Refused } from '../wire/errors.ts';
import { checkName } from '../wire/vetting.ts';
import { checkOperation, nodeOperation, serviceOperation } from './catalog-operations.ts';
import { kvOperation } from './kv-operations.ts';
import { noOperation, type Operation, type Parts, type Refusal, removal } from './operation.ts';
import type { TxnOperationFields } from './schema.ts';

/** @param valueBytesMax of one KV value */
export function operationOf(scope: Scope, fields: TxnOperationFields, valueBytesMax: number): Operation | Refusal {
  try {
    const own = scopeIn(scope, givenNamespace(fields));
    return { namespace: own.namespace, ...partsOf(own, fields, valueBytesMax) };
  } catch (error) {
    // An error of one operation is reported with its index, like the errors that depend on the state.
    if (!(error instanceof Refused) && isRegistryError(error, 'invalid_argument')) return { what: error.message };
    throw error;
  }
}

function givenNamespace({ KV, Service, Check }: TxnOperationFields): string | undefined {
  return KV?.Namespace || Service?.Service?.Namespace || Service?.Namespace || Check?.Check?.Namespace || undefined;
}

function partsOf(scope: Scope, fields: TxnOperationFields, valueBytesMax: number): Parts {
  if (fields.KV !== undefined) return kvOperation(scope, fields.KV, valueBytesMax);
  if (fields.Node !== undefined) return nodeOperation(fields.Node);
  if (fields.Service !== undefined) return serviceOperation(scope, fields.Service);
  if (fields.Check !== undefined) return checkOperation(scope, fields.Check);
  if (fields.Session !== undefined) return sessionOperation(scope, fields.Session);
  return noOperation;
}

function sessionOperation({ namespace }: Scope, fields: NonNullable<TxnOperationFields['Session']>): Parts {
  const { Verb = '', Session: { ID: id = '' } = {} } = fields;
  if (Verb !== 'delete') throw invalid(`unknown Session verb ${quoted(Verb)}`);
  checkName(id, 'session');
  return removal({ change: { kind: 'session-destroy', namespace, id } }, '');
}

