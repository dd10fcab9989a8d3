/** Batches between Eureka servers are read and written as Eureka 2.0.6 does. */

import { describe, expect, it } from 'vitest';
import { InstanceError, readInstance } from '../wire/read-instance.ts';
import { answersJson, answersXml, batchJson, messagesMax, readAnswers, readBatch, type Message } from './messages.ts';

const dataCenterInfo = { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' };
const web = { instanceId: 'h1:web:8080', hostName: 'h1', app: 'WEB', ipAddr: '10.0.0.1', status: 'UP', port: { $: 8080, '@enabled': 'true' }, dataCenterInfo };

const sent = {
  replicationList: [
    { appName: 'WEB', id: 'h1:web:8080', lastDirtyTimestamp: 1_795_901_992_713, status: 'UP', instanceInfo: web, action: 'Register' },
    { appName: 'WEB', id: 'h1:web:8080', lastDirtyTimestamp: 1_795_901_992_713, status: 'UP', overriddenStatus: 'OUT_OF_SERVICE', action: 'Heartbeat' },
    { appName: 'WEB', id: 'h1:web:8080', lastDirtyTimestamp: 1_795_901_992_713, status: 'OUT_OF_SERVICE', action: 'StatusUpdate' },
    { appName: 'WEB', id: 'h1:web:8080', lastDirtyTimestamp: 1_795_901_992_713, status: 'UP', action: 'DeleteStatusOverride' },
    { appName: 'XAPP', id: 'x1', action: 'Cancel' },
  ],
};

describe('a batch', () => {
  it('has all five actions of a real server', () => {
    const messages = readBatch(sent);
    expect(messages).toMatchObject([
      { action: 'Register', app: 'WEB', id: 'h1:web:8080', status: 'UP', info: { instanceId: 'h1:web:8080', port: { port: 8080, enabled: true } } },
      { action: 'Heartbeat', lastDirtyTimestamp: 1_795_901_992_713, overriddenStatus: 'OUT_OF_SERVICE' },
      { action: 'StatusUpdate', status: 'OUT_OF_SERVICE' },
      { action: 'DeleteStatusOverride', status: 'UP' },
      { action: 'Cancel', app: 'XAPP', id: 'x1' },
    ]);
    expect(messages[4]).toEqual({ action: 'Cancel', app: 'XAPP', id: 'x1' });
  });

  it('comes back as it was written', () => {
    const messages = readBatch(sent).filter((message): message is Message => !(message instanceof InstanceError));
    expect(readBatch(JSON.parse(batchJson(messages)))).toEqual(messages);
  });

  it.each<[string, unknown, string]>([
    ['an unknown action', { appName: 'A', id: 'a', action: 'Evict' }, 'action is "Evict"'],
    ['no id', { appName: 'A', action: 'Cancel' }, 'appName and id'],
    ['a registration without an instance', { appName: 'A', id: 'a', action: 'Register' }, 'an instance is expected'],
    ['no object', 7, 'must be an object'],
  ])('with %s keeps the other changes', (_name, entry, message) => {
    const [bad, good] = readBatch({ replicationList: [entry, { appName: 'B', id: 'b', action: 'Cancel' }] });
    expect(bad).toBeInstanceOf(InstanceError);
    expect((bad as InstanceError).message).toContain(message);
    expect(good).toEqual({ action: 'Cancel', app: 'B', id: 'b' });
  });

  it('is refused when it is none, or too long', () => {
    expect(() => readBatch({})).toThrow(InstanceError);
    expect(() => readBatch(null)).toThrow(InstanceError);
    expect(() => readBatch({ replicationList: Array.from({ length: messagesMax + 1 }, () => ({})) })).toThrow(/2501 changes, the limit is 2500/);
  });
});

describe('answers', () => {
  const info = readInstance(web, false);

  it('name statuses, and the newer instance of a conflict', () => {
    expect(JSON.parse(answersJson([{ status: 200 }, { status: 409, info }]))).toMatchObject({
      responseList: [{ statusCode: 200 }, { statusCode: 409, responseEntity: { instanceId: 'h1:web:8080', app: 'WEB' } }],
    });
    expect(readAnswers(JSON.parse(answersJson([{ status: 404 }, { status: 409, info }])), 2)).toEqual([{ status: 404 }, { status: 409, info }]);
  });

  it('have the class names of Eureka in XML', () => {
    expect(answersXml([{ status: 404 }])).toBe(`<com.netflix.eureka.cluster.protocol.ReplicationListResponse>
  <responseList>
    <com.netflix.eureka.cluster.protocol.ReplicationInstanceResponse>
      <statusCode>404</statusCode>
    </com.netflix.eureka.cluster.protocol.ReplicationInstanceResponse>
  </responseList>
</com.netflix.eureka.cluster.protocol.ReplicationListResponse>`);
    expect(answersXml([{ status: 409, info }])).toContain('      <responseEntity>\n        <instanceId>h1:web:8080</instanceId>');
  });

  it('are refused when they are not as many as the messages', () => {
    expect(() => readAnswers({ responseList: [] }, 1)).toThrow(InstanceError);
    expect(() => readAnswers({}, 0)).toThrow(InstanceError);
  });
});
