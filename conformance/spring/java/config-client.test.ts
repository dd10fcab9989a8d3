/** A Spring Boot application with Spring Cloud Config's own client: its environment comes from Rollcall. */

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigServer, managementToken } from '../../../packages/server/src/config-server.case.ts';
import { freePorts } from '../../free-ports.mjs';
import { buildJava, startJava, type JavaProgram } from '../../java-program.mjs';

const { problem, programs } = buildJava(fileURLToPath(new URL('../config-client', import.meta.url)), 'spring-config-client');
it('the application is built', () => expect(problem).toBeUndefined());

describe.runIf(problem === undefined)('a Spring application', () => {
  let spring: ConfigServer;
  let token = '';
  let application: JavaProgram;
  let port = 0;
  const ask = async (path: string, init: RequestInit = {}) => (await fetch(`http://127.0.0.1:${port}${path}`, init)).text();
  const value = (key: string) => ask(`/value?key=${encodeURIComponent(key)}`);

  beforeAll(async () => {
    spring = await ConfigServer.start({ acl: { initialManagement: managementToken } });
    await spring.publish('orders/application.yml', 'greeting: Hello ${who}\nlevel: default\n', { format: 'yaml' });
    await spring.publish('orders/application-prod.properties', 'level=prod\n', { format: 'properties' });
    await spring.publish('application/application.yml', 'who: shared\nlevel: shared\n', { format: 'yaml' });
    await spring.publish('orders/canary/application.yml', 'greeting: canary ${who}\nlist: [a, {b: c}]\n', { format: 'yaml' });
    token = await spring.tokenWith('config_prefix "orders/" { policy = "read" }\nconfig_prefix "application/" { policy = "read" }');
    [port = 0] = await freePorts(1);
    application = await startJava(programs?.['program.jar'] ?? '', {
      args: [
        ...['--server.address=127.0.0.1', `--server.port=${port}`, '--spring.application.name=orders', '--spring.profiles.active=prod', '--management.endpoints.web.exposure.include=*'],
        ...[`--spring.config.import=configserver:${spring.server.url}/spring`, `--spring.cloud.config.token=${token}`, '--spring.cloud.config.fail-fast=true', '--spring.cloud.config.label=nowhere,canary'],
      ],
      readyUrl: `http://127.0.0.1:${port}/ready`,
    });
  }, 240_000);

  afterAll(async () => {
    await application?.kill();
    await spring?.[Symbol.asyncDispose]();
  });

  it('has the values of its profile before the others, and those that all applications share', async () => {
    expect([await value('level'), await value('who'), await value('missing')]).toEqual(['prod', 'shared', '(none)']);
  });

  it('takes the next label when the first names no cluster, with lists and placeholders', async () => {
    expect([await value('greeting'), await value('list[0]'), await value('list[1].b')]).toEqual(['canary shared', 'a', 'c']);
    expect(await ask('/sources')).toContain('rollcall:orders/application.yml in canary, release 1');
  });

  it('reads a publication when it is told to refresh', async () => {
    await spring.publish('orders/application-prod.properties', 'level=new\n', { format: 'properties' });
    expect(JSON.parse(await ask('/actuator/refresh', { method: 'POST' }))).toEqual(expect.arrayContaining(['level']));
    expect(await value('level')).toBe('new');
  });

  it('gets a rollout by count that has chosen the instance at its address', async () => {
    const headers = { 'x-consul-token': managementToken };
    const register = (node: string, address: string) =>
      spring.ask('/v1/catalog/register', { method: 'PUT', headers, body: JSON.stringify({ Node: node, Address: '10.0.0.1', Service: { ID: 'orders-1', Service: 'orders', Address: address } }) });
    await Promise.all([register('here', '127.0.0.1'), register('there', '10.0.0.2')]);
    const rollOutTo = (instance: string) =>
      spring.publish('orders/application-prod.properties', `level=for ${instance}\n`, {
        format: 'properties',
        rollout: { name: 'next', priority: 0, rule: { kind: 'instance', instances: [instance] }, plan: { stages: [{ count: 1, bakeMs: 3_600_000 }] } },
      });
    await rollOutTo('there/orders-1');
    await ask('/actuator/refresh', { method: 'POST' });
    expect(await value('level')).toBe('new');
    await rollOutTo('here/orders-1');
    await ask('/actuator/refresh', { method: 'POST' });
    expect(await value('level')).toBe('for here/orders-1');
  });
});
