/**
 * The requests of a captured exchange with a Nacos 3.1 server whose first and second API were switched on, and the facts of its answers that
 * clients read: status, media type, and the body without times, orders and ids that follow from the server.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { Nacos, type Answer, type Ask } from './nacos.case.ts';

let nacos: Nacos;

beforeAll(async () => {
  nacos = await Nacos.start();
});
afterAll(() => nacos[Symbol.asyncDispose]());

const text = 'text/plain;charset=UTF-8';
const json = 'application/json';
const times = { instanceHeartBeatInterval: 5_000, instanceHeartBeatTimeOut: 15_000, ipDeleteTimeout: 30_000 };

function host(ip: string, service: string, more: object = {}) {
  return { ip, port: 8_080, weight: 1, healthy: true, enabled: true, ephemeral: true, clusterName: 'DEFAULT', serviceName: `DEFAULT_GROUP@@${service}`, metadata: {}, ...times, ...more };
}

function info(service: string, hosts: readonly object[]) {
  return { name: `DEFAULT_GROUP@@${service}`, groupName: 'DEFAULT_GROUP', clusters: '', cacheMillis: 10_000, hosts, checksum: '', allIps: false, reachProtectionThreshold: false, valid: true };
}

const simple = { instanceIdGenerator: 'simple' };
const web1 = host('10.0.0.1', 'web', { instanceId: '10.0.0.1#8080#DEFAULT#DEFAULT_GROUP@@web', weight: 2, metadata: { zone: 'z1' } });
const web3 = host('10.0.0.3', 'web', { instanceId: '10.0.0.3#8080#DEFAULT#DEFAULT_GROUP@@web', ...simple });
const ok = { code: 0, message: 'success', data: 'ok' };
const beatOk = { clientBeatInterval: 5_000, code: 10_200, lightBeatEnabled: true };
const app = { dataId: 'app.yaml', group: 'DEFAULT_GROUP' };
const at1 = { ip: '10.0.0.1', port: 8_080 };

interface Exchange {
  readonly name: string;
  readonly ask: readonly [method: string, path: string, ask?: Ask];
  readonly status?: number;
  readonly type?: string;
  /** Text, or what the JSON has at least. */
  readonly body?: string | object;
  readonly headers?: Readonly<Record<string, string>>;
}

const exchanges: readonly Exchange[] = [
  { name: 'v1 register', ask: ['POST', '/v1/ns/instance', { form: { serviceName: 'web', ...at1, weight: 2, metadata: '{"zone":"z1"}', ephemeral: true } }], type: text, body: 'ok' },
  { name: 'v1 register without ip', ask: ['POST', '/v1/ns/instance', { form: { serviceName: 'web', port: 8_080 } }], status: 400, type: text, body: "Param 'ip' is required." },
  { name: 'v1 beat known', ask: ['PUT', '/v1/ns/instance/beat', { form: { serviceName: 'web', ...at1 } }], type: json, body: beatOk },
  { name: 'v1 beat unknown, light', ask: ['PUT', '/v1/ns/instance/beat', { form: { serviceName: 'web', ip: '10.0.0.9', port: 8_080 } }], body: { ...beatOk, code: 20_404 } },
  {
    name: 'v1 beat unknown, with JSON, registers',
    ask: ['PUT', '/v1/ns/instance/beat', { form: { serviceName: 'DEFAULT_GROUP@@web', beat: JSON.stringify({ serviceName: 'DEFAULT_GROUP@@web', ip: '10.0.0.3', port: 8_080, weight: 1, cluster: 'DEFAULT', metadata: {}, scheduled: false }) } }],
    body: beatOk,
  },
  { name: 'v1 list', ask: ['GET', '/v1/ns/instance/list', { query: { serviceName: 'DEFAULT_GROUP@@web' } }], type: json, body: info('web', [web1, web3]) },
  { name: 'v1 list of an unknown service', ask: ['GET', '/v1/ns/instance/list', { query: { serviceName: 'none' } }], body: info('none', []) },
  { name: 'v1 instance', ask: ['GET', '/v1/ns/instance', { query: { serviceName: 'web', ...at1 } }], body: { service: 'DEFAULT_GROUP@@web', ...at1, clusterName: 'DEFAULT', weight: 2, healthy: true, instanceId: '10.0.0.1#8080#DEFAULT#DEFAULT_GROUP@@web', metadata: { zone: 'z1' } } },
  { name: 'v1 instance unknown', ask: ['GET', '/v1/ns/instance', { query: { serviceName: 'web', ip: '10.0.0.77', port: 8_080 } }], status: 404, type: text, body: 'no matched ip found!' },
  { name: 'v1 service list', ask: ['GET', '/v1/ns/service/list', { query: { pageNo: 1, pageSize: 10 } }], body: { count: 2, doms: ['consul', 'web'] } },
  {
    name: 'v1 service',
    ask: ['GET', '/v1/ns/service', { query: { serviceName: 'web' } }],
    body: { namespaceId: 'public', groupName: 'DEFAULT_GROUP', name: 'web', protectThreshold: 0, metadata: {}, selector: { type: 'none', contextType: 'NONE' }, clusters: [{ name: 'DEFAULT', healthChecker: { type: 'TCP' }, metadata: {} }] },
  },
  { name: 'v1 operator metrics', ask: ['GET', '/v1/ns/operator/metrics'], type: json, body: { status: 'UP' } },
  { name: 'v1 operator switches', ask: ['GET', '/v1/ns/operator/switches'], body: { clientBeatInterval: 5_000, defaultPushCacheMillis: 10_000, lightBeatEnabled: true, name: '00-00---000-NACOS_SWITCH_DOMAIN-000---00-00' } },
  { name: 'v1 instance update', ask: ['PUT', '/v1/ns/instance', { form: { serviceName: 'web', ...at1, weight: 3, enabled: false } }], type: text, body: 'ok' },
  { name: 'v1 list after the update', ask: ['GET', '/v1/ns/instance/list', { query: { serviceName: 'web' } }], body: info('web', [web3]) },
  { name: 'v1 deregister', ask: ['DELETE', '/v1/ns/instance', { query: { serviceName: 'web', ...at1 } }], type: text, body: 'ok' },
  { name: 'v1 deregister unknown', ask: ['DELETE', '/v1/ns/instance', { query: { serviceName: 'web', ip: '10.0.0.66', port: 8_080 } }], body: 'ok' },
  { name: 'v1 config publish', ask: ['POST', '/v1/cs/configs', { form: { ...app, content: 'a: 1', type: 'yaml' } }], body: 'true' },
  {
    name: 'v1 config get',
    ask: ['GET', '/v1/cs/configs', { query: app }],
    type: text,
    body: 'a: 1',
    headers: { 'config-type': 'yaml', 'content-md5': '270f9e65a80226eccd82c99cdd0dd2fb', 'encrypted-data-key': '' },
  },
  { name: 'v1 config get missing', ask: ['GET', '/v1/cs/configs', { query: { ...app, dataId: 'none' } }], status: 404, body: 'config data not exist' },
  {
    name: 'v1 config listener, stale md5',
    ask: ['POST', '/v1/cs/configs/listener', { headers: { 'long-pulling-timeout': '10000' }, form: { 'Listening-Configs': 'app.yaml\u0002DEFAULT_GROUP\u0002deadbeef\u0001' } }],
    type: 'application/json;charset=UTF-8',
    body: 'app.yaml%02DEFAULT_GROUP%01\n',
  },
  {
    name: 'v1 config listener, right md5, no hangup',
    ask: ['POST', '/v1/cs/configs/listener', { headers: { 'long-pulling-timeout': '10000', 'long-pulling-timeout-no-hangup': 'true' }, form: { 'Listening-Configs': 'app.yaml\u0002DEFAULT_GROUP\u0002270f9e65a80226eccd82c99cdd0dd2fb\u0001' } }],
    body: '',
  },
  {
    name: 'v1 config history',
    ask: ['GET', '/v1/cs/history', { query: { search: 'accurate', ...app, pageNo: 1, pageSize: 5 } }],
    body: {
      ...{ totalCount: 1, pageNumber: 1, pagesAvailable: 1 },
      pageItems: [{ lastId: -1, ...app, tenant: 'public', appName: '', md5: null, content: null, srcIp: '127.0.0.1', srcUser: null, opType: 'I         ', publishType: 'formal', grayName: '', extInfo: '{"type":"yaml"}', encryptedDataKey: null }],
    },
  },
  { name: 'v1 config delete', ask: ['DELETE', '/v1/cs/configs', { query: app }], body: 'true' },
  { name: 'v2 register', ask: ['POST', '/v2/ns/instance', { form: { serviceName: 'web2', ...at1 } }], type: json, body: ok },
  { name: 'v2 list', ask: ['GET', '/v2/ns/instance/list', { query: { serviceName: 'web2' } }], body: { code: 0, message: 'success', data: info('web2', [host('10.0.0.1', 'web2', simple)]) } },
  { name: 'v2 deregister', ask: ['DELETE', '/v2/ns/instance', { query: { serviceName: 'web2', ...at1 } }], body: ok },
  { name: 'v2 config publish', ask: ['POST', '/v2/cs/config', { form: { dataId: 'v2.yaml', group: 'DEFAULT_GROUP', content: 'b: 1', type: 'yaml' } }], body: { code: 0, message: 'success', data: true } },
  {
    name: 'v2 config get',
    ask: ['GET', '/v2/cs/config', { query: { dataId: 'v2.yaml', group: 'DEFAULT_GROUP' } }],
    type: 'application/json;charset=UTF-8',
    body: { code: 0, message: 'success', data: 'b: 1' },
    headers: { 'config-type': 'yaml', 'content-md5': 'b4122ecf1d927c89895a3c270e4eb619' },
  },
  { name: 'v2 config get missing', ask: ['GET', '/v2/cs/config', { query: { dataId: 'none', group: 'DEFAULT_GROUP' } }], status: 404, body: { code: 20_004, message: 'resource not found', data: 'config data not exist' } },
  { name: 'v3 client register', ask: ['POST', '/v3/client/ns/instance', { form: { serviceName: 'web3', ...at1, groupName: 'DEFAULT_GROUP', namespaceId: 'public' } }], type: json, body: ok },
  { name: 'v3 client heartbeat', ask: ['POST', '/v3/client/ns/instance', { form: { serviceName: 'web3', ...at1, heartBeat: true } }], body: ok },
  { name: 'v3 client heartbeat unknown', ask: ['POST', '/v3/client/ns/instance', { form: { serviceName: 'web3', ip: '10.0.0.44', port: 8_080, heartBeat: true } }], body: { code: 21_003, message: 'instance not found', data: null } },
  { name: 'v3 client register without ip', ask: ['POST', '/v3/client/ns/instance', { form: { serviceName: 'web3', port: 8_080 } }], status: 400, body: { code: 10_000, message: 'parameter missing' } },
  { name: 'v3 client list', ask: ['GET', '/v3/client/ns/instance/list', { query: { serviceName: 'web3' } }], body: { code: 0, message: 'success', data: [host('10.0.0.1', 'web3', simple)] } },
  { name: 'v3 client list unknown', ask: ['GET', '/v3/client/ns/instance/list', { query: { serviceName: 'none3' } }], body: { code: 0, message: 'success', data: [] } },
  { name: 'v3 client deregister', ask: ['DELETE', '/v3/client/ns/instance', { query: { serviceName: 'web3', ...at1 } }], body: ok },
  {
    name: 'v3 client config get',
    ask: ['GET', '/v3/client/cs/config', { query: { dataId: 'v2.yaml', groupName: 'DEFAULT_GROUP' } }],
    body: { code: 0, message: 'success', data: { resultCode: 200, errorCode: 0, message: null, requestId: null, content: 'b: 1', encryptedDataKey: '', contentType: 'yaml', md5: 'b4122ecf1d927c89895a3c270e4eb619', tag: null, beta: false, success: true } },
  },
  { name: 'v3 client config get missing', ask: ['GET', '/v3/client/cs/config', { query: { dataId: 'none', groupName: 'DEFAULT_GROUP' } }], body: { code: 20_004, message: 'resource not found', data: null } },
  { name: 'v3 auth: first admin password', ask: ['POST', '/v3/auth/user/admin', { form: { password: 'x' } }], body: { code: 409, message: 'have admin user cannot use it.', data: null } },
  {
    name: 'v3 admin service list',
    ask: ['GET', '/v3/admin/ns/service/list', { query: { pageNo: 1, pageSize: 10, namespaceId: 'public', groupNameParam: '', serviceNameParam: 'we' } }],
    body: { code: 0, message: 'success', data: { totalCount: 1, pageNumber: 1, pagesAvailable: 1, pageItems: [{ name: 'web', groupName: 'DEFAULT_GROUP', clusterCount: 1, ipCount: 1, healthyInstanceCount: 1, triggerFlag: 'false' }] } },
  },
  { name: 'v3 admin instance list', ask: ['GET', '/v3/admin/ns/instance/list', { query: { serviceName: 'web' } }], body: { code: 0, message: 'success', data: [web3] } },
  { name: 'v3 admin config publish', ask: ['POST', '/v3/admin/cs/config', { form: { dataId: 'v3.yaml', groupName: 'DEFAULT_GROUP', content: 'c: 1', type: 'yaml' } }], body: { code: 0, message: 'success', data: true } },
  { name: 'v3 admin core state', ask: ['GET', '/v3/admin/core/state'], body: { code: 0, message: 'success', data: { startup_mode: 'standalone', config_retention_days: '30' } } },
  { name: 'v1 namespaces', ask: ['GET', '/v1/console/namespaces'], body: { code: 200, message: null, data: [{ namespace: 'public', namespaceShowName: 'public', quota: 200, configCount: 2, type: 0 }] } },
  { name: 'no such path', ask: ['GET', '/v3/admin/ai/mcp/list'], status: 404, type: json, body: { status: 404, error: 'Not Found', path: '/nacos/v3/admin/ai/mcp/list' } },
];

test.each(exchanges)('$name', async ({ ask: [method, path, ask], status = 200, type, body, headers = {} }) => {
  const answer: Answer = await nacos.ask(method, path, ask);
  expect([answer.status, answer.text]).toEqual([status, answer.text]);
  if (type !== undefined) expect(answer.headers['content-type']).toBe(type);
  expect(answer.headers).toMatchObject(headers);
  if (typeof body === 'string') expect(answer.text).toBe(body);
  else if (body !== undefined) expect(answer.json()).toMatchObject(body);
});
