/**
 * The visible surface of the HTTP API below `/nacos`, as a table: paths of the three versions, each with the access that it needs. The
 * versions share their handlers; they differ in names of parameters, which handlers accept all, and in the form of answers.
 */

import type { AnswerMemory } from '../../net/answer-memory.ts';
import { firstPassword, login } from './admin/login.ts';
import * as namespaces from './admin/namespaces.ts';
import * as server from './admin/server-state.ts';
import * as configs from './config/configs.ts';
import * as history from './config/history.ts';
import type { Listeners } from './config/listeners.ts';
import { search } from './config/search.ts';
import { target } from './config/target.ts';
import * as instances from './naming/instances.ts';
import type { Lists } from './naming/lists.ts';
import * as operator from './naming/operator-settings.ts';
import * as services from './naming/services.ts';
import { subscribersOf, type Subscribers } from './naming/subscribers.ts';
import type { Format } from './request/answer.ts';
import { beats, demands, filters, large, open, reads, writes, type Action, type Handler, type Method, type Route } from './request/route.ts';

export interface RouteParts {
  readonly lists: Lists;
  readonly subscribers: Subscribers;
  readonly listeners: Listeners;
  readonly memory: AnswerMemory;
}

type Methods = Readonly<Partial<Record<Method, Action>>>;

const statusOnly = 'clients ask it without a token whether the server is there';

export function routeTable({ lists, subscribers: known, listeners, memory }: RouteParts): readonly Route[] {
  const list = instances.listOf({ lists, subscribers: known }, 'info');
  const whole = search(memory, { contents: true });
  const brief = search(memory, { contents: false });

  const instance: Methods = {
    POST: writes('service', instances.register),
    DELETE: writes('service', instances.deregister),
    PUT: writes('service', operator.update),
    PATCH: writes('service', operator.update),
    GET: reads('service', instances.detail),
  };
  const metadata: Methods = { PUT: writes('service', operator.batch('set')), DELETE: writes('service', operator.batch('forget')) };
  const service: Methods = {
    POST: writes('service', services.put('create')),
    PUT: writes('service', services.put('update')),
    DELETE: writes('service', services.remove),
    GET: reads('service', services.detail),
  };
  const health: Methods = { PUT: writes('service', services.setHealth) };
  const cluster: Methods = { PUT: writes('service', services.putCluster) };
  const subscribers: Methods = { GET: reads('service', subscribersOf(known, 'list')) };
  const metrics: Methods = { GET: open(server.metrics, statusOnly) };
  const switches: Methods = { GET: open(server.switches, 'it names no instance, and clients ask it without a token') };
  const alive: Methods = { GET: open(server.alive, statusOnly) };
  const listening: Methods = { POST: large(reads('config', (call) => listeners.listen(call))), GET: reads('config', listenersOf(listeners)) };
  const configHistory: Methods = { GET: reads('config', history.history) };
  const historyList: Methods = { GET: reads('config', history.list) };
  const previous: Methods = { GET: reads('config', history.previous) };
  const config = (get: Handler): Methods => ({ GET: reads('config', get), POST: large(writes('config-publish', configs.publish)), DELETE: writes('config-publish', configs.remove) });
  const beta: Methods = { GET: reads('config', configs.getBeta), DELETE: writes('config-publish', configs.removeBeta) };
  const namespace: Methods = {
    POST: writes('operator', namespaces.create),
    PUT: writes('operator', namespaces.update),
    DELETE: writes('operator', namespaces.remove),
  };
  const seesNamespaces: Methods = { GET: filters([], namespaces.list) };
  const logsIn: Methods = { POST: { run: login, access: { kind: 'own-proof', why: 'the password is a token' }, audit: 'login' } };
  const state: Methods = { GET: open(server.state, statusOnly) };

  return [
    ...table('plain', {
      '/v1/ns/instance': instance,
      '/v1/ns/instance/list': { GET: reads('service', list) },
      '/v1/ns/instance/beat': { PUT: beats('service', instances.beat) },
      '/v1/ns/instance/statuses': { GET: reads('service', instances.listStatuses) },
      '/v1/ns/instance/metadata/batch': metadata,
      '/v1/ns/service': service,
      '/v1/ns/service/list': { GET: filters(['service'], services.listNames('doms')) },
      '/v1/ns/service/subscribers': subscribers,
      '/v1/ns/catalog/services': { GET: filters(['service'], services.catalogServices) },
      '/v1/ns/catalog/service': { GET: reads('service', services.catalogService) },
      '/v1/ns/catalog/instances': { GET: reads('service', services.catalogInstances) },
      '/v1/ns/cluster': cluster,
      '/v1/ns/health/instance': health,
      '/v1/ns/health': health,
      '/v1/ns/operator/metrics': metrics,
      '/v1/ns/operator/switches': switches,
      '/v1/cs/configs': { ...config(configsV1({ whole })), DELETE: writes('config-publish', (call, format) => (call.params.flag('beta', false) ? configs.removeBeta(call, format) : configs.remove(call))) },
      '/v1/cs/configs/listener': listening,
      '/v1/cs/history': configHistory,
      '/v1/cs/history/previous': previous,
      '/v1/cs/health': alive,
      '/v1/console/namespaces': { ...namespace, ...seesNamespaces },
      '/v1/console/server/state': state,
      '/v1/console/health/liveness': { GET: open(server.aliveCapital, statusOnly) },
      '/v1/console/health/readiness': { GET: open(server.aliveCapital, statusOnly) },
      '/v1/auth/login': logsIn,
      '/v1/auth/users/login': logsIn,
      '/v3/auth/user/login': logsIn,
    }),
    ...table('result', {
      '/v2/ns/instance': instance,
      '/v2/ns/instance/list': { GET: reads('service', list) },
      '/v2/ns/instance/beat': { PUT: beats('service', instances.beat) },
      '/v2/ns/instance/metadata/batch': metadata,
      '/v2/ns/service': service,
      '/v2/ns/service/list': { GET: filters(['service'], services.listNames('services')) },
      '/v2/ns/service/subscribers': subscribers,
      '/v2/ns/catalog/instances': { GET: reads('service', services.catalogInstances) },
      '/v2/ns/health/instance': health,
      '/v2/ns/operator/metrics': metrics,
      '/v2/ns/operator/switches': switches,
      '/v2/cs/config': config(configs.get),
      '/v2/cs/config/searchDetail': { GET: filters(['config'], whole) },
      '/v2/cs/history/list': historyList,
      '/v2/cs/history': { GET: reads('config', history.step) },
      '/v2/cs/history/previous': previous,
      '/v2/console/namespace/list': seesNamespaces,
      '/v2/console/namespace': { ...namespace, GET: filters([], namespaces.detail) },
      '/v2/console/health/liveness': alive,
      '/v2/console/health/readiness': alive,
      '/v3/client/ns/instance': { POST: beats('service', instances.register), DELETE: writes('service', instances.deregister) },
      '/v3/client/ns/instance/list': { GET: reads('service', instances.listOf({ lists, subscribers: known }, 'hosts')) },
      '/v3/client/cs/config': { GET: reads('config', configs.query) },
      '/v3/admin/ns/instance': instance,
      '/v3/admin/ns/instance/partial': { PUT: writes('service', operator.update) },
      '/v3/admin/ns/instance/list': { GET: reads('service', instances.operatorListOf(memory)) },
      '/v3/admin/ns/instance/metadata/batch': metadata,
      '/v3/admin/ns/service': service,
      '/v3/admin/ns/service/list': { GET: filters(['service'], services.listPage) },
      '/v3/admin/ns/service/subscribers': { GET: reads('service', subscribersOf(known, 'page')) },
      '/v3/admin/ns/cluster': cluster,
      '/v3/admin/ns/health/instance': health,
      '/v3/admin/ns/ops/metrics': metrics,
      '/v3/admin/ns/ops/switches': switches,
      '/v3/admin/cs/config': config(configs.detail),
      '/v3/admin/cs/config/list': { GET: filters(['config'], brief) },
      '/v3/admin/cs/config/beta': beta,
      '/v3/admin/cs/config/listener': { GET: reads('config', listenersOf(listeners)) },
      '/v3/admin/cs/history/list': historyList,
      '/v3/admin/cs/history': { GET: reads('config', history.step) },
      '/v3/admin/cs/history/previous': previous,
      '/v3/admin/core/namespace/list': seesNamespaces,
      '/v3/admin/core/namespace/check': { GET: filters([], namespaces.exists) },
      '/v3/admin/core/namespace': { ...namespace, GET: filters([], namespaces.detail) },
      '/v3/admin/core/state': { GET: demands('operator', 'read', server.state) },
      '/v3/admin/core/state/liveness': alive,
      '/v3/admin/core/state/readiness': alive,
      '/v3/console/health/liveness': alive,
      '/v3/console/health/readiness': alive,
      '/v3/auth/user/admin': { POST: open(firstPassword, 'every caller is refused: there is no default user') },
    }),
  ];
}

function table(format: Format, paths: Readonly<Record<string, Methods>>): Route[] {
  return Object.entries(paths).map(([path, methods]) => ({ path, format, methods }));
}

/** `GET v1/cs/configs` is four questions, by its parameters. */
function configsV1({ whole }: { readonly whole: Handler }): Handler {
  return (call, format) => {
    const { params } = call;
    if (params.text('search') !== '') return whole(call, format);
    if (params.flag('beta', false)) return configs.getBeta(call, format);
    return params.text('show') === 'all' ? configs.detail(call) : configs.get(call, format);
  };
}

/** `GET configs/listener`: which clients wait for a configuration here. */
function listenersOf(listeners: Listeners): Handler {
  return (call, format) => {
    const waiting = listeners.waitingFor(target(call, 'read'));
    return format === 'plain' ? { collectStatus: 200, lisentersGroupkeyStatus: waiting } : { queryType: 'config', listenersStatus: waiting };
  };
}
