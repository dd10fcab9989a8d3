import { describe, expect, it } from 'vitest';
import type { InstanceRow } from '../catalog/rows.ts';
import { instanceInUrl, parameterIn, providerIn, providerName, servicesOfInterface } from './dubbo.ts';

const nacos = { interface: 'org.acme.Greeter', protocol: 'tri', path: 'org.acme.Greeter', side: 'provider', category: 'providers', version: '1.0.0', methods: 'hello,bye' };
const row = (meta: Readonly<Record<string, string>>, more: Partial<InstanceRow> = {}) => ({ meta, port: 20_880, ...more }) as InstanceRow;
const urlOf = (meta: Readonly<Record<string, string>>, more: Partial<InstanceRow> = {}, address = '10.0.0.1') => {
  const provided = providerIn(row(meta, more), address);
  return provided && decodeURIComponent(providerName(provided, {}));
};

describe('an instance of another protocol', () => {
  it.each([
    { what: "as Dubbo writes it for Nacos", meta: nacos, url: 'tri://10.0.0.1:20880/org.acme.Greeter?interface=org.acme.Greeter&side=provider&category=providers&version=1.0.0&methods=hello,bye' },
    { what: "as Dubbo writes it for Consul", meta: { url: 'dubbo://10.9.9.9:1/greet?interface=org.acme.Greeter&group=a' }, url: 'dubbo://10.0.0.1:20880/greet?interface=org.acme.Greeter&group=a&category=providers&side=provider' },
    { what: 'with the scheme of the instance', meta: { interface: 'a.B' }, more: { scheme: 'dubbo' }, url: 'dubbo://10.0.0.1:20880/a.B?interface=a.B&category=providers&side=provider' },
    { what: 'at an address of IPv6', meta: { interface: 'a.B', protocol: 'dubbo' }, address: '::1', url: 'dubbo://[::1]:20880/a.B?interface=a.B&category=providers&side=provider' },
    { what: 'without a value that a URL cannot have', meta: { interface: 'a.B', protocol: 'dubbo', note: 'x&y' }, url: 'dubbo://10.0.0.1:20880/a.B?interface=a.B&category=providers&side=provider' },
  ])('is a provider $what', ({ meta, more, address, url }) => {
    expect(urlOf(meta as unknown as Record<string, string>, more, address)).toBe(url);
    expect(instanceInUrl(encodeURIComponent(url))).toMatchObject({ port: 20_880, meta: { interface: expect.any(String) as string } });
  });

  it.each([
    ['that names no interface', { protocol: 'dubbo' }],
    ['of another protocol', { ...nacos, protocol: 'rest' }],
    ['of no protocol', { interface: 'a.B' }],
    ['that is a consumer', { ...nacos, side: 'consumer' }],
    ['of another category', { ...nacos, category: 'configurators' }],
    ['whose interface is no name of Java', { ...nacos, interface: 'a/b' }],
    ['whose URL is none', { url: 'nonsense' }],
  ])('%s is no provider', (_what, meta) => expect(urlOf(meta)).toBeUndefined());
});

it('a name has the parameters that were added', () => {
  const provided = providerIn(row(nacos), '10.0.0.1');
  expect(provided && parameterIn(providerName(provided, { mark: 'a%26b@n' }), 'mark')).toBe('a%26b@n');
});

it('services of an interface have its name, or that of Nacos', () => {
  expect(servicesOfInterface('a.B')).toEqual({ name: 'a.B', prefix: 'providers:a.B:' });
});
