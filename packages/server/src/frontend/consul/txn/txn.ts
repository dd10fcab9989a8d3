/**
 * `PUT /v1/txn`: up to 128 operations on keys, nodes, services, checks and sessions. All take
 * effect, or none (https://developer.hashicorp.com/consul/api-docs/txn). Operations:
 * `operations.ts`. This file decodes the request and writes its two answers.
 */

import { isRegistryError } from '@rollcall/protocol';
import { readBody } from '../../../net/body.ts';
import type { Work } from '../../../net/turns.ts';
import type { Row, Txn, TxnResult } from '../../../registry/kinds.ts';
import { readTransaction } from '../../../registry/decide.ts';
import { decodeList } from '../request/body.ts';
import { type Call, type Incoming, written } from '../request/call.ts';
import { endpoint } from '../request/endpoint.ts';
import { authorize } from '../request/permission.ts';
import { VisibilityFilter } from '../request/visibility-filter.ts';
import { textOf } from '../wire/access-words.ts';
import { Refused } from '../wire/errors.ts';
import type { JsonWriter } from '../wire/json-writer.ts';
import { type JsonValue, writeJson } from '../wire/json.ts';
import { type Consistency, readConsistency } from '../wire/params.ts';
import type { Reply } from '../wire/reply.ts';
import { forOperation, isShown } from './access.ts';
import type { Operation, Refusal, Shown } from './operation.ts';
import { operationOf } from './operations.ts';
import { txnOperation, type TxnOperationFields } from './schema.ts';

/** `maxTxnOps` of Consul's `agent/txn_endpoint.go`; its documentation still says 64. */
const operationsMax = 128;

/** The error of an operation that failed or could not be tried. */
interface TxnError {
  readonly OpIndex: number;
  readonly What: string;
}

interface Transaction {
  readonly consistency: Consistency;
  readonly given: readonly TxnOperationFields[];
  /** The operations in their order: each is a step of the registry's command, or its error. */
  readonly operations: readonly (Operation | Refusal)[];
}

/**
 * `PUT /v1/txn`. Each operation is authorized separately, since a denial is an error of that operation.
 */
export const txn = endpoint({
  decode: decodeTransaction,
  answer: async ({ consistency, given, operations }, call) => {
    const { registry, clock } = call.context;
    const answer = answering(call, { datacenter: call.identity.datacenter, state: registry.state }, given);
    const errors: TxnError[] = [];
    const possible: Operation[] = [];
    let denied = false;
    for (const [at, operation] of operations.entries()) {
      const namespace = 'what' in operation ? call.namespace : operation.namespace;
      const lack = lacking(call, namespace, given[at] ?? {});
      denied ||= lack !== undefined;
      if (lack !== undefined) errors.push({ OpIndex: at, What: lack });
      else if ('what' in operation) errors.push({ OpIndex: at, What: operation.what });
      else possible.push(operation);
    }
    if (errors.length > 0) return answer.failed(errors, denied);
    const command: Txn = { kind: 'txn', operations: possible.map(({ step }) => step) };
    const writes = command.operations.some(({ change }) => change !== undefined);
    if (writes) return answer.of(await registry.submit(command), possible);
    if (consistency === 'consistent') await registry.barrier();
    return answer.of(readTransaction(registry.state, command, clock.now()), possible);
  },
});

/** @throws RegistryError `invalid_argument`; Refused; BodyTooLarge */
async function decodeTransaction(incoming: Incoming): Promise<Transaction> {
  const { exchange, params, limits } = incoming;
  const consistency = readConsistency(params);
  const given = decodeList(txnOperation, await readBody(exchange.request, limits.bodyBytesMax));
  if (given.length > operationsMax) {
    throw new Refused(413, `Transaction contains too many operations (${given.length} > ${operationsMax})`);
  }
  const operations = given.map((fields) => operationOf(incoming, fields, limits.kvValueBytesMax));
  return { consistency, given, operations };
}

/** The missing permission for an operation, as the error of that operation. */
function lacking(call: Call, namespace: string, fields: TxnOperationFields): string | undefined {
  const { registry, security } = call.context;
  if (!security.acl.enabled) return undefined;
  try {
    authorize({ ...call, namespace }, forOperation(registry.state, namespace, fields));
    return undefined;
  } catch (error) {
    if (isRegistryError(error, 'permission_denied')) return textOf(error);
    throw error;
  }
}

function answering(call: Call, shown: Shown, given: readonly TxnOperationFields[]) {
  const pretty = call.params.has('pretty');
  const body = (value: JsonValue) =>
    Buffer.from(pretty ? `${writeJson(value, '    ', '\n')}\n` : writeJson(value));
  const failed = (errors: readonly TxnError[], denied: boolean): Reply => ({
    status: 409,
    body: body({ Results: null, Errors: errors.map((error) => ({ ...error })) }),
    type: 'json',
    denied,
  });
  const of = (result: TxnResult, operations: readonly Operation[]): Reply => {
    if ('failures' in result) {
      const errors = result.failures.map((failure) => ({
        OpIndex: failure.at,
        What: operations[failure.at]?.failure(failure) ?? '',
      }));
      return failed(errors, false);
    }
    const { reads } = result;
    return written(call, function* (_state, out) {
      out.open('{');
      out.key('Results');
      out.open('[');
      for (const [at, operation] of operations.entries()) {
        const { KV } = given[at] ?? {};
        const visible = new VisibilityFilter(call.caller.authorizer, operation.namespace);
        // For a key that the caller may not read, even an empty result is left out.
        if (KV?.Verb === 'get-or-empty' && !visible.includes('key', KV.Key ?? '')) continue;
        yield* writeResults(out, reads[at] ?? [], (rows) =>
          operation.results(
            rows.filter((row) => isShown(shown.state, visible, row)),
            shown,
          ),
        );
      }
      out.close();
      out.key('Errors');
      out.value(null);
      out.close();
    });
  };
  return { failed, of };
}

/** Rows that one step converts to results. */
const rowsPerStep = 64;

function* writeResults(
  out: JsonWriter,
  rows: readonly Row[],
  results: (some: readonly Row[]) => readonly JsonValue[],
): Work<void> {
  // An operation may have a result without rows.
  for (let at = 0; at === 0 || at < rows.length; at += rowsPerStep) {
    for (const result of results(rows.slice(at, at + rowsPerStep))) out.exact(result);
    if (out.pace.spent) yield;
  }
}
