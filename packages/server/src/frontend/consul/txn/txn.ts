/**
 * `PUT /v1/txn`: up to 128 operations on keys, nodes, services, checks and sessions, of which all take
 * effect or none (https://developer.hashicorp.com/consul/api-docs/txn). What they mean is in
 * `operations.ts`; this file knows the request and its two answers.
 */

import { readBody } from '../../../net/body.ts';
import type { Work } from '../../../net/turns.ts';
import type { Txn, TxnResult } from '../../../registry/command.ts';
import { readTransaction } from '../../../registry/decide.ts';
import type { Row } from '../../../registry/rows.ts';
import { decodeList } from '../request/body.ts';
import { type Call, written } from '../request/call.ts';
import { VisibilityFilter } from '../request/visibility-filter.ts';
import type { JsonWriter } from '../wire/json-writer.ts';
import { type JsonValue, writeJson } from '../wire/json.ts';
import { readConsistency } from '../wire/params.ts';
import type { Reply } from '../wire/reply.ts';
import { isShown, lacking } from './access.ts';
import { type Operation, operationOf, type Shown } from './operations.ts';
import { txnOperation, type TxnOperationFields } from './schema.ts';

/** `maxTxnOps` of Consul's `agent/txn_endpoint.go`; its documentation still says 64. */
const operationsMax = 128;

/** What an operation that cannot be tried, or did not hold, says. */
interface TxnError {
  readonly OpIndex: number;
  readonly What: string;
}

/** `PUT /v1/txn` */
export async function txn(call: Call): Promise<Reply> {
  const { context, exchange, params } = call;
  const { registry, limits, clock } = context;
  const consistency = readConsistency(params);
  const given = decodeList(txnOperation, await readBody(exchange.request, limits.bodyBytesMax));
  if (given.length > operationsMax) {
    const text = `Transaction contains too many operations (${given.length} > ${operationsMax})`;
    return { status: 413, body: Buffer.from(text), type: 'text' };
  }
  const operations: Operation[] = [];
  const errors: TxnError[] = [];
  let denied = false;
  for (const [at, fields] of given.entries()) {
    const operation = operationOf(fields, limits.kvValueBytesMax);
    if ('text' in operation) return { status: operation.status, body: Buffer.from(operation.text), type: 'text' };
    const lack = lacking(call, fields);
    denied ||= lack !== undefined;
    if (lack !== undefined) errors.push({ OpIndex: at, What: lack });
    else if ('what' in operation) errors.push({ OpIndex: at, What: operation.what });
    else operations.push(operation);
  }
  const shown = { datacenter: context.identity.datacenter, state: registry.state };
  const answer = answering(call, shown, given);
  if (errors.length > 0) return answer.failed(errors, denied);
  const command: Txn = { kind: 'txn', operations: operations.map(({ step }) => step) };
  const writes = command.operations.some(({ change }) => change !== undefined);
  if (writes) return answer.of(await registry.submit(command), operations);
  if (consistency === 'consistent') await registry.barrier();
  return answer.of(readTransaction(registry.state, command, clock.now()), operations);
}

function answering(call: Call, shown: Shown, given: readonly TxnOperationFields[]) {
  const pretty = call.params.has('pretty');
  const visible = new VisibilityFilter(call.caller.authorizer, call.namespace);
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
        // Of a key that may not be read not even that it is empty.
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

/** Rows that become results in one step. */
const rowsPerStep = 64;

function* writeResults(
  out: JsonWriter,
  rows: readonly Row[],
  results: (some: readonly Row[]) => readonly JsonValue[],
): Work<void> {
  // Also of no row there may be a result.
  for (let at = 0; at === 0 || at < rows.length; at += rowsPerStep) {
    for (const result of results(rows.slice(at, at + rowsPerStep))) out.exact(result);
    if (out.pace.spent) yield;
  }
}
