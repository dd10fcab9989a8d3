import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromNamespace, fromService, instanceId, readCluster, readIp, readPort, readServiceName, toNamespace, toService } from './names.ts';

describe('a namespace id of Nacos', () => {
  it.each([
    [undefined, 'default'],
    ['', 'default'],
    ['public', 'default'],
    ['team-a', 'team-a'],
    ['a0f3e6c2-1f7c-4b6e-9a3b-0d8f0a4c2f11', 'a0f3e6c2-1f7c-4b6e-9a3b-0d8f0a4c2f11'],
  ])('%s is the namespace %s', (id, namespace) => {
    expect(toNamespace(id)).toBe(namespace);
    expect(toNamespace(fromNamespace(namespace))).toBe(namespace);
  });

  it.each([
    ['default', /use 'public'/],
    ['team_a', /letters, digits and inner hyphens/],
    ['x'.repeat(64), /1 to 63/],
    ['a b', /not possible/],
  ])('%s is refused with what to do', (id, reason) => {
    expect(() => toNamespace(id)).toThrow(reason);
  });
});

describe('the name of a service', () => {
  it.each([
    ['orders', undefined, { group: 'DEFAULT_GROUP', name: 'orders' }, 'orders'],
    ['orders', '', { group: 'DEFAULT_GROUP', name: 'orders' }, 'orders'],
    ['DEFAULT_GROUP@@orders', undefined, { group: 'DEFAULT_GROUP', name: 'orders' }, 'orders'],
    ['orders', 'PAY', { group: 'PAY', name: 'orders' }, 'PAY@@orders'],
    ['PAY@@orders', 'DEFAULT_GROUP', { group: 'PAY', name: 'orders' }, 'PAY@@orders'],
    ['Orders', undefined, { group: 'DEFAULT_GROUP', name: 'Orders' }, 'Orders'],
    ['providers:com.shop.Orders:1.0.0:', undefined, { group: 'DEFAULT_GROUP', name: 'providers:com.shop.Orders:1.0.0:' }, 'providers:com.shop.Orders:1.0.0:'],
  ])('%s of group %s is service %#', (serviceName, groupName, expected, service) => {
    const read = readServiceName(serviceName, groupName);
    expect([read, toService(read)]).toEqual([expected, service]);
    expect(fromService(service)).toEqual(expected);
  });

  it.each([
    ['', undefined, "Param 'serviceName' is required."],
    ['PAY@@', undefined, "Param 'serviceName' is required."],
    ['a@@b@@c', undefined, "'@@'"],
    ['a b', undefined, 'spaces'],
    ['orders', 'a group', "Param 'groupName' is illegal"],
    ['orders', 'g'.repeat(129), "Param 'groupName' is illegal"],
    ['s'.repeat(256), undefined, '256 characters, the limit is 255'],
  ])('%s of group %s is refused', (serviceName, groupName, reason) => {
    expect(() => readServiceName(serviceName, groupName)).toThrow(reason);
  });

  it('of another protocol that looks like one of the default group has no name here', () => {
    expect(fromService('DEFAULT_GROUP@@orders')).toBeUndefined();
  });

  it('is another service for every group and name', () => {
    const part = fc.stringMatching(/^[a-zA-Z0-9:.-]{1,20}$/);
    fc.assert(
      fc.property(part, part, (group, name) => {
        expect(fromService(toService({ group, name }))).toEqual({ group, name });
      }),
    );
  });
});

describe('the id of an instance', () => {
  it('is that of the simple generator of Nacos', () => {
    const spot = { ip: '10.0.0.1', port: 8080, cluster: 'DEFAULT' };
    expect(instanceId({ group: 'DEFAULT_GROUP', name: 'web' }, spot)).toBe('10.0.0.1#8080#DEFAULT#DEFAULT_GROUP@@web');
  });

  it('is another one for every address, port, cluster and service', () => {
    const ip = fc.constantFrom('10.0.0.1', '10.0.0.11', '::1', 'host');
    const port = fc.constantFrom(1, 11, 8080);
    const cluster = fc.constantFrom('A', 'A1', 'DEFAULT');
    const service = fc.record({ group: fc.constantFrom('G', 'DEFAULT_GROUP'), name: fc.constantFrom('a', 'a#1', '1#A#G@@a') });
    const instance = fc.record({ ip, port, cluster, service });
    const idOf = (each: { service: { group: string; name: string }; ip: string; port: number; cluster: string }) => instanceId(each.service, each);
    fc.assert(
      fc.property(instance, instance, (a, b) => {
        expect(idOf(a) === idOf(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  it.each([
    [() => readIp('10.0.0.1#x'), "Param 'ip' is illegal"],
    [() => readIp(''), "Param 'ip' is required."],
    [() => readPort('70000'), "Param 'port' is illegal"],
    [() => readPort('1e2x'), "Param 'port' is illegal"],
    [() => readPort(undefined), "Param 'port' is required."],
    [() => readCluster('a#b'), "Param 'clusterName' is illegal"],
  ])('has no part that would make it ambiguous (%#)', (read, reason) => {
    expect(read).toThrow(reason);
  });
});
