/**
 * The surface: statuses, bodies and forms of every route, in the order in which a client uses them. Expected answers are those of a
 * Eureka server of Spring Cloud Netflix 5.0.3 to the same requests, except where a title says otherwise.
 */

import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Eureka, usual, type Answer } from './eureka.case.ts';

let eureka: Eureka;
beforeAll(async () => {
  eureka = await Eureka.start();
});
afterAll(() => eureka[Symbol.asyncDispose]());

const xml = (id: string, more = '') =>
  `<instance><instanceId>${id}</instanceId><hostName>${id}</hostName><app>XAPP</app><ipAddr>10.0.0.9</ipAddr><status>STARTING</status>` +
  `<port enabled="true">80</port><vipAddress>xapp</vipAddress><dataCenterInfo class="com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo">` +
  `<name>MyOwn</name></dataCenterInfo><metadata><a_b>1</a_b></metadata>${more}</instance>`;
const asXml = { 'content-type': 'application/xml' };
const put = (path: string, headers = {}) => eureka.ask('PUT', `/eureka/apps/${path}`, { headers });
const brief = ({ status, text }: Answer) => [status, text];

describe('registrations', () => {
  test('are answered with 204 and nothing', async () => {
    expect(brief(await eureka.register())).toEqual([204, '']);
    expect(brief(await eureka.ask('POST', '/eureka/apps/XAPP', { body: xml('x1'), headers: asXml }))).toEqual([204, '']);
  });

  test('that Eureka itself refuses, with a bare number as a port and without @class, are taken (differs)', async () => {
    const body = { instance: { instanceId: 'h2', hostName: 'h2', app: 'WEB', ipAddr: '10.0.0.2', port: 8080, dataCenterInfo: { name: 'MyOwn' } } };
    expect(brief(await eureka.ask('POST', '/eureka/apps/WEB', { body }))).toEqual([204, '']);
    expect(brief(await eureka.ask('DELETE', '/eureka/apps/WEB/h2'))).toEqual([200, '']);
  });

  test('may be packed', async () => {
    const body = gzipSync(JSON.stringify({ instance: { ...usual, instanceId: 'packed' } }));
    expect(brief(await eureka.ask('POST', '/eureka/apps/WEB', { body, headers: { 'content-encoding': 'gzip' } }))).toEqual([204, '']);
    expect((await eureka.ask('DELETE', '/eureka/apps/WEB/packed')).status).toBe(200);
  });

  test.each<[string, string, string | object, number, string | RegExp]>([
    ['without a host', 'WEB', { instance: { app: 'WEB', ipAddr: '10.0.0.2' } }, 400, 'Missing instanceId'],
    ['for another app', 'OTHER', { instance: usual }, 400, 'Mismatched appName, expecting OTHER but was WEB'],
    ['with broken JSON', 'WEB', '{', 400, /^\{"error":"cannot parse request body: the JSON cannot be read/],
    ['with broken XML', 'WEB', '<instance>', 400, /cannot parse request body: the XML cannot be read: element instance does not end \(at character 11\)/],
    ['without a body', 'WEB', '', 400, /the body is empty/],
    ['with another document', 'WEB', '<other/>', 400, /an instance is expected, not \\"other\\"/],
    ['with an entity of its own', 'XAPP', `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${xml('x9', '<asgName>&e;</asgName>')}`, 400, /a DOCTYPE and its like are not allowed/],
    ['with a slash in the app', 'a%2Fb', { instance: { ...usual, app: 'a/b' } }, 400, /has a \/, which no app may have here/],
    ['in a list', 'WEB', '[]', 400, /a JSON object is expected/],
  ])('%s are refused', async (_name, app, body, status, text) => {
    const answer = await eureka.ask('POST', `/eureka/apps/${app}`, { body });
    expect(answer.status).toBe(status);
    expect(answer.text).toMatch(text);
  });

  test('that are too large are refused, packed or not', async () => {
    const large = JSON.stringify({ instance: { ...usual, metadata: { k: ' '.repeat(2_000_000) } } });
    expect((await eureka.ask('POST', '/eureka/apps/WEB', { body: large })).status).toBe(413);
    const bomb = gzipSync(Buffer.alloc(50_000_000, 32));
    expect(bomb.length).toBeLessThan(100_000);
    const answer = await eureka.ask('POST', '/eureka/apps/WEB', { body: bomb, headers: { 'content-encoding': 'gzip' } });
    expect(brief(answer)).toEqual([413, expect.stringContaining('the limit is 1048576') as string]);
    expect((await eureka.ask('POST', '/eureka/apps/WEB', { body: 'no gzip', headers: { 'content-encoding': 'gzip' } })).text).toContain('the body is not gzip');
    expect((await eureka.ask('POST', '/eureka/apps/WEB', { body: '{}', headers: { 'content-encoding': 'br' } })).text).toContain('send gzip');
  });
});

describe('heartbeats', () => {
  test.each<[string, string, Record<string, string>, number]>([
    ['are answered with 200', 'WEB/h1:web:8080?status=UP', {}, 200],
    ['may have the app in lower case', 'web/h1:web:8080', {}, 200],
    ['may have a status, which does not count', 'WEB/h1:web:8080?status=DOWN', {}, 200],
    ['of an unknown instance are a 404, so that it registers', 'WEB/nope', {}, 404],
    ['of an unknown app are a 404', 'NOPE/nope', {}, 404],
    ['of an instance that has changed since are a 404', 'WEB/h1:web:8080?lastDirtyTimestamp=9999999999999', {}, 404],
    ['with an older time are fine', 'WEB/h1:web:8080?status=UP&lastDirtyTimestamp=1', {}, 200],
    ['with the same time are fine', 'WEB/h1:web:8080?lastDirtyTimestamp=1795901992713', {}, 200],
    ['without a time are fine', 'WEB/h1:web:8080?status=UP&lastDirtyTimestamp=null', {}, 200],
    ['with something else as a time are refused', 'WEB/h1:web:8080?lastDirtyTimestamp=yesterday', {}, 400],
  ])('%s', async (_name, path, headers, status) => {
    const answer = await put(path, headers);
    expect(answer.status).toBe(status);
    if (status === 200) expect([answer.text, answer.headers['content-length']]).toEqual(['', '0']);
    if (status === 404) expect(JSON.parse(answer.text)).toMatchObject({ status: 404, error: 'Not Found', path: `/eureka/apps/${path.replace(/\?.*/, '')}` });
  });

  test('of another server with an older time are a 409 with the newer instance', async () => {
    const answer = await put('WEB/h1:web:8080?status=UP&lastDirtyTimestamp=1', { 'x-netflix-discovery-replication': 'true', accept: 'application/json' });
    expect(answer.status).toBe(409);
    expect(JSON.parse(answer.text)).toMatchObject({ instance: { instanceId: 'h1:web:8080', app: 'WEB', status: 'UP' } });
  });

  test('did not change the status', async () => {
    expect(await eureka.instance('WEB', 'h1:web:8080')).toMatchObject({ status: 'UP', overriddenStatus: 'UNKNOWN' });
  });
});

const time = expect.any(Number) as number;
const timeText = expect.stringMatching(/^\d{13}$/) as string;
const web = {
  ...{ instanceId: 'h1:web:8080', hostName: 'h1', app: 'WEB', ipAddr: '10.0.0.1', status: 'UP', overriddenStatus: 'UNKNOWN' },
  ...{ port: { $: 8080, '@enabled': 'true' }, securePort: { $: 8443, '@enabled': 'false' }, countryId: 1 },
  dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
  leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 90, registrationTimestamp: time, lastRenewalTimestamp: time, evictionTimestamp: 0, serviceUpTimestamp: time },
  ...{ metadata: { zone: 'z1' }, homePageUrl: 'http://h1:8080/', vipAddress: 'web,web2', secureVipAddress: 'webs' },
  ...{ isCoordinatingDiscoveryServer: 'false', lastUpdatedTimestamp: timeText, lastDirtyTimestamp: '1795901992713', actionType: 'ADDED' },
};

describe('reads', () => {
  test('show every field as Eureka does, and no other, which Spring\'s mapper would refuse', async () => {
    const { application, apps__hashcode } = await eureka.apps();
    expect(apps__hashcode).toBe('STARTING_1_UP_1_');
    expect(application.map(({ name }) => name)).toEqual(['WEB', 'XAPP']);
    expect(application[0]?.instance).toEqual([web]);
    expect(application[1]?.instance).toMatchObject([{ status: 'STARTING', metadata: { a_b: '1' }, leaseInfo: { serviceUpTimestamp: 0 }, securePort: { $: 7002, '@enabled': 'false' } }]);
  });

  test('are compact when asked', async () => {
    const { text } = await eureka.ask('GET', '/eureka/apps', { headers: { accept: 'application/json', 'x-eureka-accept': 'compact' } });
    const { applications } = JSON.parse(text) as { applications: { application: { instance: object[] }[] } };
    expect(applications).toMatchObject({ registeredApplicationsEmpty: false, apps__hashcode: 'STARTING_1_UP_1_' });
    expect(applications.application[0]?.instance).toEqual([
      {
        ...{ instanceId: 'h1:web:8080', app: 'WEB', ipAddr: '10.0.0.1', vipAddress: 'web,web2', secureVipAddress: 'webs', hostName: 'h1', status: 'UP', actionType: 'ADDED' },
        ...{ lastUpdatedTimestamp: time, dataCenterInfo: web.dataCenterInfo, port: web.port, securePort: web.securePort },
      },
    ]);
  });

  test.each([{}, { accept: '*/*' }, { accept: 'application/xml' }])('are XML unless JSON is asked for: %o', async (headers) => {
    const { text, headers: head } = await eureka.ask('GET', '/eureka/apps/', { headers });
    expect(head['content-type']).toBe('application/xml');
    expect(text).toMatch(/^<applications>\n {2}<versions__delta>\d+<\/versions__delta>\n {2}<apps__hashcode>STARTING_1_UP_1_<\/apps__hashcode>\n {2}<application>\n {4}<name>WEB<\/name>\n {4}<instance>\n {6}<instanceId>h1:web:8080</);
    expect(text).toContain('<a__b>1</a__b>');
    expect(text).toContain('<port enabled="true">8080</port>');
    expect(text).toMatch(/<\/application>\n<\/applications>\n$/);
  });

  test('are packed for clients that take it, once they are large enough', async () => {
    const plain = await eureka.ask('GET', '/eureka/apps', { headers: { accept: 'application/json' } });
    const packed = await eureka.ask('GET', '/eureka/apps', { headers: { accept: 'application/json', 'accept-encoding': 'gzip, x-gzip, deflate' } });
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(packed.text).toBe(plain.text);
    const refused = await eureka.ask('GET', '/eureka/apps', { headers: { 'accept-encoding': 'gzip;q=0, identity' } });
    expect(refused.headers['content-encoding']).toBeUndefined();
  });

  test.each(['/eureka/apps/delta', '/eureka/v1/apps/delta', '/eureka/v2/apps', '/v2/apps/', '/eureka//apps/?regions=us-east-1,eu'])('are the same at %s', async (path) => {
    const { application, apps__hashcode } = await eureka.apps(path);
    expect(apps__hashcode).toBe('STARTING_1_UP_1_');
    expect(application.flatMap(({ instance }) => instance).filter(({ actionType }) => actionType !== 'DELETED').map(({ instanceId }) => instanceId).sort()).toEqual(['h1:web:8080', 'x1']);
  });

  test('are wrapped when they are of one thing', async () => {
    expect(await eureka.json('/eureka/apps/web')).toEqual({ application: { name: 'WEB', instance: [web] } });
    expect(await eureka.json('/eureka/apps/WEB/h1:web:8080')).toEqual({ instance: web });
    expect(await eureka.json('/eureka/instances/h1:web:8080')).toEqual({ instance: web });
    expect((await eureka.ask('GET', '/eureka/apps/WEB/h1:web:8080')).text).toMatch(/^<instance>\n {2}<instanceId>h1:web:8080</);
    expect((await eureka.ask('GET', '/eureka/apps/WEB')).text).toMatch(/^ {2}<application>\n {4}<name>WEB</);
  });

  test('of missing things are a 404', async () => {
    for (const path of ['apps/NOPE', 'apps/WEB/nope', 'instances/zzz', 'apps/WEB/h1:web:8080/nothing', 'nothing', '']) {
      expect((await eureka.ask('GET', `/eureka/${path}`)).status, path).toBe(404);
    }
  });

  test('of vips have no version, and an unknown vip is an empty list', async () => {
    for (const path of ['vips/web2', 'svips/webs']) {
      expect(await eureka.json(`/eureka/${path}`)).toEqual({ applications: { versions__delta: '-1', apps__hashcode: 'UP_1_', application: [{ name: 'WEB', instance: [web] }] } });
    }
    expect((await eureka.ask('GET', '/eureka/vips/none', { headers: { accept: 'application/json' } })).text).toBe('{"applications":{"versions__delta":"-1","apps__hashcode":"","application":[]}}');
  });

  test('with another method say which there are', async () => {
    const answer = await eureka.ask('PATCH', '/eureka/apps/WEB/h1:web:8080');
    expect([answer.status, answer.headers.allow]).toEqual([405, 'PUT, GET, DELETE']);
    expect((await eureka.ask('HEAD', '/eureka/apps')).status).toBe(200);
  });
});

describe('an override', () => {
  test('replaces the status and shows in the delta at once', async () => {
    expect(brief(await put('WEB/h1:web:8080/status?value=OUT_OF_SERVICE'))).toEqual([200, '']);
    expect(await eureka.instance('WEB', 'h1:web:8080')).toMatchObject({ status: 'OUT_OF_SERVICE', overriddenStatus: 'OUT_OF_SERVICE', actionType: 'MODIFIED' });
    expect((await eureka.apps('/eureka/apps/delta')).apps__hashcode).toBe('OUT_OF_SERVICE_1_STARTING_1_');
    expect(await eureka.json('/eureka/serverinfo/statusoverrides')).toEqual({ 'h1:web:8080': 'OUT_OF_SERVICE' });
  });

  test('survives a registration', async () => {
    await eureka.register({ lastDirtyTimestamp: '1795901992714' });
    expect(await eureka.instance('WEB', 'h1:web:8080')).toMatchObject({ status: 'OUT_OF_SERVICE', overriddenStatus: 'OUT_OF_SERVICE', lastDirtyTimestamp: '1795901992714' });
  });

  test('of an unknown instance is a 404, and a status that does not exist a 400 (Eureka: 500)', async () => {
    expect((await put('WEB/nope/status?value=DOWN')).status).toBe(404);
    expect(brief(await put('WEB/h1:web:8080/status?value=BOGUS'))).toEqual([400, expect.stringContaining('it must be one of UP, DOWN, STARTING, OUT_OF_SERVICE, UNKNOWN') as string]);
    expect((await put('WEB/h1:web:8080/status')).status).toBe(400);
  });

  test('ends, with the status that is given', async () => {
    expect(brief(await eureka.ask('DELETE', '/eureka/apps/WEB/h1:web:8080/status?value=UP'))).toEqual([200, '']);
    expect(await eureka.instance('WEB', 'h1:web:8080')).toMatchObject({ status: 'UP', overriddenStatus: 'UNKNOWN' });
    expect((await eureka.ask('DELETE', '/eureka/apps/WEB/nope/status')).status).toBe(404);
  });

  test('to the status that the instance has is none', async () => {
    expect((await put('WEB/h1:web:8080/status?value=UP')).status).toBe(200);
    expect(await eureka.instance('WEB', 'h1:web:8080')).toMatchObject({ overriddenStatus: 'UNKNOWN' });
  });

  test('cannot make an instance serve that says that it is down (differs: Eureka shows UP until it registers again)', async () => {
    await eureka.register({ instanceId: 'down', status: 'DOWN' });
    expect((await put('WEB/down/status?value=UP')).status).toBe(200);
    expect(await eureka.instance('WEB', 'down')).toMatchObject({ status: 'DOWN', overriddenStatus: 'UP' });
    expect((await eureka.ask('DELETE', '/eureka/apps/WEB/down')).status).toBe(200);
  });

  test('comes with a registration that has one', async () => {
    await eureka.register({ instanceId: 'over', overriddenStatus: 'OUT_OF_SERVICE' });
    expect(await eureka.instance('WEB', 'over')).toMatchObject({ status: 'OUT_OF_SERVICE', overriddenStatus: 'OUT_OF_SERVICE' });
    await eureka.ask('DELETE', '/eureka/apps/WEB/over');
  });
});

describe('a registration again', () => {
  test('with an older time keeps the newer record', async () => {
    await eureka.register({ instanceId: 'again', lastDirtyTimestamp: 2_000, metadata: { v: 'new' } });
    expect((await eureka.register({ instanceId: 'again', lastDirtyTimestamp: 1_000, metadata: { v: 'old' } })).status).toBe(204);
    expect(await eureka.instance('WEB', 'again')).toMatchObject({ metadata: { v: 'new' }, lastDirtyTimestamp: '2000' });
  });

  test('keeps the status of the lease, unless the instance is down or starting', async () => {
    await eureka.register({ instanceId: 'again', lastDirtyTimestamp: 3_000, status: 'OUT_OF_SERVICE' });
    expect(await eureka.instance('WEB', 'again')).toMatchObject({ status: 'UP' });
    await eureka.register({ instanceId: 'again', lastDirtyTimestamp: 4_000, status: 'DOWN' });
    expect(await eureka.instance('WEB', 'again')).toMatchObject({ status: 'DOWN' });
    await eureka.register({ instanceId: 'again', lastDirtyTimestamp: 5_000, status: 'UP' });
    expect(await eureka.instance('WEB', 'again')).toMatchObject({ status: 'UP' });
  });

  test('as UNKNOWN gets a 404 for each heartbeat, until it says more', async () => {
    await eureka.register({ instanceId: 'again', lastDirtyTimestamp: 6_000, status: 'UNKNOWN' });
    expect((await put('WEB/again')).status).toBe(404);
    expect(await eureka.instance('WEB', 'again')).toMatchObject({ status: 'UNKNOWN' });
    await eureka.ask('DELETE', '/eureka/apps/WEB/again');
  });
});

test('metadata is added to, and has a limit', async () => {
  expect(brief(await put('WEB/h1:web:8080/metadata?k=v&k2=v%202&k=second'))).toEqual([200, '']);
  expect(await eureka.instance('WEB', 'h1:web:8080')).toMatchObject({ metadata: { zone: 'z1', k: 'v', k2: 'v 2' } });
  expect((await put('WEB/nope/metadata?k=v')).status).toBe(404);
  const pairs = Array.from({ length: 600 }, (_, at) => `k${at}=`).join('&');
  expect(brief(await put(`WEB/h1:web:8080/metadata?${pairs}`))).toEqual([400, expect.stringContaining('the limit is 512') as string]);
});

test('groups of Amazon are refused, and the status page is that of Eureka', async () => {
  expect((await eureka.ask('PUT', '/eureka/asg/g1/status?value=ENABLED')).status).toBe(400);
  expect((await eureka.ask('GET', '/eureka/status', { headers: { accept: 'application/xml' } })).text).toMatch(/^<com.netflix.eureka.util.StatusInfo>\n {2}<generalStats>\n {4}<num-of-cpus>/);
  expect(await eureka.json('/eureka/status')).toMatchObject({ generalStats: { 'num-of-cpus': expect.any(String) as string }, instanceInfo: { app: 'ROLLCALL', status: 'UP' } });
});

test('ids may have any characters', async () => {
  for (const id of ['spring#1.[3.?]!', 'a b', 'ä/ö%', '__proto__', "o'hara<&>"]) {
    const path = `/eureka/apps/WEB/${encodeURIComponent(id)}`;
    expect((await eureka.register({ instanceId: id })).status).toBe(204);
    expect((await eureka.ask('PUT', `${path}?status=UP`)).status).toBe(200);
    expect((await eureka.instance('WEB', id)).instanceId).toBe(id);
    expect((await eureka.ask('DELETE', `${path}/`)).status).toBe(200);
    expect((await eureka.ask('DELETE', path)).status).toBe(404);
  }
  expect((await eureka.ask('PUT', '/eureka/apps/WEB/%E0%A4%A')).status).toBe(400);
});

test('what was removed is in the delta, and an empty registry has an empty list', async () => {
  for (const path of ['WEB/h1:web:8080', 'XAPP/x1']) expect(brief(await eureka.ask('DELETE', `/eureka/apps/${path}`))).toEqual([200, '']);
  const { application, apps__hashcode } = await eureka.apps('/eureka/apps/delta');
  expect(apps__hashcode).toBe('');
  const gone = application.flatMap(({ instance }) => instance);
  expect(gone.map(({ instanceId, actionType }) => [instanceId, actionType])).toContainEqual(['x1', 'DELETED']);
  expect(gone.every(({ actionType }) => actionType === 'DELETED')).toBe(true);
  expect(gone.find(({ instanceId }) => instanceId === 'h1:web:8080')).toMatchObject({ hostName: 'h1', port: { $: 8080 }, dataCenterInfo: { name: 'MyOwn' } });
  const empty = await eureka.ask('GET', '/eureka/apps', { headers: { accept: 'application/json' } });
  expect(empty.text).toMatch(/^\{"applications":\{"versions__delta":"\d+","apps__hashcode":"","application":\[\]\}\}$/);
  expect((await eureka.ask('GET', '/eureka/apps')).text).toMatch(/^<applications>\n {2}<versions__delta>\d+<\/versions__delta>\n {2}<apps__hashcode><\/apps__hashcode>\n<\/applications>\n$/);
});
