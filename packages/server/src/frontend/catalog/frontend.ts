/**
 * The front end of nodes and instances as operators look at them: all nodes, one node, the details of one instance, and the instances of a service that
 * have overrides. It writes nothing, and holds no registry state.
 */

import { createHash } from 'node:crypto';
import { RegistryError } from '@rollcall/protocol';
import { errorBody } from '../../net/error-body.ts';
import type { Context, Frontend } from '../../net/frontend.ts';
import { HealthList } from '../../net/health-list.ts';
import { ListBodies } from '../../net/list-bodies.ts';
import { Body } from '../../net/answers.ts';
import { pastOf } from '../../net/past.ts';
import { requestNamespace } from '../../net/request-namespace.ts';
import { routedFrontend, sendText, type RoutedCall } from '../../net/routed-frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import { TaggedLists } from '../../net/tagged-lists.ts';
import type { Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { findInstance, findNode, instancesOfService } from '../../registry/kind/catalog/find.ts';
import type { CheckRow, InstanceRow } from '../../registry/kind/catalog/rows.ts';
import { catalogView, serviceView } from '../../registry/kind/catalog/views.ts';
import type { Reader } from '../../registry/reader.ts';
import type { Authorizer } from '../../security/authorizer.ts';
import { instanceDetail, nodeDetail, type OutputOf } from './details.ts';
import { nodesIn } from './node-health.ts';
import { prefixes, surface } from './routes.ts';

const json = 'application/json';
/** Instances of one node, or with overrides, in one answer: some 5 ms. */
const listedMax = 1_000;
/** Microseconds, about. */
const unitsPerRow = 1;
const unitsPerDetail = 20;

export function catalog(context: Context): Frontend {
  const reads = new CatalogReads(context);
  return routedFrontend(context, {
    name: 'catalog',
    prefixes,
    routes: [
      { ...surface.nodes, run: (call) => reads.nodes(call) },
      { ...surface.node, run: (call) => reads.node(call) },
      { ...surface.instances, run: (call) => reads.instances(call) },
    ],
    sendError: (response, failure) => sendText(response, failure.status ?? statusByCode[failure.code], json, JSON.stringify(errorBody(context.security.acl, failure))),
    close: () => reads.close(),
  });
}

class CatalogReads {
  readonly #context: Context;
  readonly #lists: ListBodies;
  readonly #tagged: TaggedLists;
  readonly #health: HealthList;

  constructor(context: Context) {
    this.#context = context;
    this.#lists = new ListBodies(context, 'catalog');
    this.#tagged = new TaggedLists(context, this.#lists);
    this.#health = new HealthList(context, this.#lists);
  }

  close(): Promise<void> {
    return this.#lists.idle();
  }

  nodes(call: RoutedCall): Promise<void> {
    const { caller: { authorizer }, exchange } = call;
    const namespace = requestNamespace(call.caller, exchange);
    const seesAll = authorizer.allowsAll(namespace, 'service', 'read') && authorizer.allowsAll(namespace, 'node', 'write');
    const make = (frozen: Frozen): Work<Body> => this.#health.write(frozen, nodesIn(frozen, authorizer, namespace, this.#lists.turns.pace));
    return this.#tagged.send(call, { name: `nodes ${namespace}`, view: catalogView(), seesAll, make, inParts: true });
  }

  async node({ caller, exchange }: RoutedCall): Promise<void> {
    const { security: { acl } } = this.#context;
    const namespace = requestNamespace(caller, exchange);
    const name = new URLSearchParams(exchange.query).get('name') ?? '';
    if (name === '') throw new RegistryError('invalid_argument', 'name the node: ?name=NODE');
    acl.authorize(caller, namespace, 'node', 'read', name);
    const { reader, outputOf } = await this.#readerOf(exchange);
    const row = findNode(reader, name);
    if (row === undefined) throw new RegistryError('not_found', `there is no node ${name}`);
    this.#send(exchange, nodeDetail(reader, caller.authorizer, namespace, row, outputOf, listedMax));
  }

  async instances(call: RoutedCall): Promise<void> {
    const { caller, exchange } = call;
    const { security: { acl } } = this.#context;
    const asked = new URLSearchParams(exchange.query);
    const namespace = requestNamespace(caller, exchange);
    const service = asked.get('service') ?? '';
    if (service === '') throw new RegistryError('invalid_argument', 'name the service: ?service=SERVICE');
    acl.authorize(caller, namespace, 'service', 'read', service);
    const { authorizer } = caller;
    const id = asked.get('id');
    if (id === null) {
      const seesAll = authorizer.allowsAll(namespace, 'service', 'write');
      await this.#tagged.send(call, { name: `overridden ${namespace} ${service}`, view: serviceView(namespace, service), seesAll, make: (frozen) => this.#overridden(frozen, authorizer, namespace, service) });
      return;
    }
    const node = asked.get('node');
    const { reader, outputOf } = await this.#readerOf(exchange);
    const found = node === null ? [...instancesOfService(reader, namespace, service)].filter((row) => row.id === id) : [findInstance(reader, namespace, node, id)].filter((row) => row?.service === service) as InstanceRow[];
    if (found.length === 0) throw new RegistryError('not_found', `service ${service} has no instance ${id}${node === null ? '' : ` on node ${node}`}`);
    this.#send(exchange, { instances: found.slice(0, listedMax).map((row) => instanceDetail(reader, authorizer, row, outputOf)), count: found.length });
  }

  *#overridden(frozen: Frozen, authorizer: Authorizer, namespace: string, service: string): Work<Body> {
    const { pace } = this.#lists.turns;
    const listed: string[] = [];
    let count = 0;
    for (const row of [...instancesOfService(frozen, namespace, service)]) {
      if (pace.spend(unitsPerRow)) yield;
      if ((row.override ?? row.weightOverride) === undefined || ++count > listedMax) continue;
      if (pace.spend(unitsPerDetail)) yield;
      listed.push(JSON.stringify(instanceDetail(frozen, authorizer, row, ({ output }) => output)));
    }
    return new Body([Buffer.from(`{"instances":[${listed.join(',\n')}],"count":${count}}\n`)]);
  }

  /** The registry as it is now, with the newest outputs of checks, or as of the time that the request asks for. */
  async #readerOf(exchange: RoutedCall['exchange']): Promise<{ readonly reader: Reader; readonly outputOf: OutputOf }> {
    const { health, history, registry: { state } } = this.#context;
    const past = await pastOf(history, exchange);
    if (past !== undefined) return { reader: past.frozen, outputOf: ({ output }) => output };
    return { reader: state, outputOf: ({ namespace, node, id, output }: CheckRow) => health.output(namespace, node, id) ?? output };
  }

  /** Few rows, so that the answer itself gives the `ETag`. */
  #send({ request, response }: RoutedCall['exchange'], value: object): void {
    const text = JSON.stringify(value);
    const tag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
    response.setHeader('ETag', tag);
    if (request.headers['if-none-match'] === tag) response.writeHead(304).end();
    else sendText(response, 200, json, text);
  }
}
