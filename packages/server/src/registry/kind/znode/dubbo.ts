/**
 * The URLs that Dubbo's providers are registered by, to an instance of the registry and back. Pure. The name of the znode is the URL, encoded:
 * `dubbo://10.0.0.1:20880/org.acme.Greeter?application=greeter&version=1.0.0`.
 *
 * Back only for instances that Dubbo itself has registered over another protocol: a consumer of an interface needs parameters that others lack.
 *
 * Source: `URL.valueOf` and `URL.toFullString` of dubbo-common 3, `ZookeeperRegistry.toUrlPath`, `NacosRegistry`; `ConsulRegistry` of dubbo-spi-extensions.
 */

import type { InstanceRow } from '../catalog/rows.ts';
import { said, type SaidInstance } from './curator.ts';

const url = /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?:[^@/?]*@)?(?<host>\[[0-9a-f:.]+\]|[^:/?]+)(?::(?<port>\d{1,5}))?(?:\/(?<path>[^?]*))?(?:\?(?<query>.*))?$/i;

/** Dubbo's weight when a provider gives none. */
const weightOfOne = 100;

/** @param name of the znode @returns undefined for one that is no URL of a provider */
export function instanceInUrl(name: string): SaidInstance | undefined {
  const found = urlIn(decoded(name) ?? '');
  // `empty` says that there is no provider.
  if (found === undefined || found.scheme === 'empty' || Number(found.port ?? 0) > 65_535) return undefined;
  const { scheme, host, port, parameters: meta } = found;
  const { weight: _weight, tags: _tags, ...rest } = said(meta);
  const weight = Number(meta['weight'] ?? weightOfOne);
  const tag = meta['dubbo.tag'] ?? '';
  return {
    ...rest,
    address: host.replace(/^\[|\]$/g, ''),
    port: Number(port ?? 0),
    scheme,
    tags: tag === '' ? [] : [tag],
    weight: weight >= 0 && weight <= 6_553_500 ? weight / weightOfOne : 1,
    status: 'up',
    enabled: meta['disabled'] !== 'true' && meta['enabled'] !== 'false',
  };
}

/** Protocols of Dubbo that a consumer reaches by such a URL alone. */
const protocols: ReadonlySet<string> = new Set(['dubbo', 'tri']);

/** A provider of an interface that another protocol registered. */
export interface Provided {
  readonly interface: string;
  /** Without its parameters. */
  readonly base: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * The provider that an instance is, if it says so as Dubbo does in other registries: the URL itself in the metadata `url` (`ConsulRegistry`), or the
 * parameters of the URL as metadata, with `protocol`, `path` and `interface` (`NacosRegistry`).
 * @param address its own, or its node's
 * @returns undefined for an instance that names no interface, or another protocol than Dubbo's
 */
export function providerIn({ meta, scheme, port }: Pick<InstanceRow, 'meta' | 'scheme' | 'port'>, address: string): Provided | undefined {
  const given = meta['url'] === undefined ? undefined : urlIn(meta['url']);
  const parameters = given?.parameters ?? meta;
  const protocol = given?.scheme ?? meta['protocol'] ?? scheme ?? '';
  const name = parameters['interface'] ?? '';
  if (!protocols.has(protocol) || !/^[\w.$-]+$/.test(name)) return undefined;
  if ((parameters['side'] ?? 'provider') !== 'provider' || (parameters['category'] ?? providers) !== providers) return undefined;
  const host = address.includes(':') ? `[${address}]` : address;
  const { protocol: _protocol, path: _path, ...rest } = parameters;
  return { interface: name, base: `${protocol}://${host}:${port}/${given?.path ?? meta['path'] ?? name}`, parameters: { ...rest, category: providers, side: 'provider' } };
}

const providers = 'providers';

/** The names that a service has in a registry when its instances provide an interface: Consul's, and those of Nacos, which go on with a version and a group. */
export function servicesOfInterface(name: string): { readonly name: string; readonly prefix: string } {
  return { name, prefix: `${providers}:${name}:` };
}

/** The name of a provider's znode: its URL with further parameters, encoded. A parameter that a URL cannot have is left out. */
export function providerName({ base, parameters }: Provided, more: Readonly<Record<string, string>>): string {
  const pairs = Object.entries({ ...parameters, ...more }).filter(([key, value]) => !/[&=?]/.test(key) && !value.includes('&'));
  return encodeURIComponent(`${base}?${pairs.map(([key, value]) => `${key}=${value}`).join('&')}`);
}

/** A parameter of the URL that is the name of a znode. */
export function parameterIn(name: string, key: string): string | undefined {
  return urlIn(decoded(name) ?? '')?.parameters[key];
}

interface ReadUrl {
  readonly scheme: string;
  readonly host: string;
  readonly port: string | undefined;
  readonly path: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
}

function urlIn(text: string): ReadUrl | undefined {
  const { scheme, host, port, path, query = '' } = url.exec(text)?.groups ?? {};
  if (scheme === undefined || host === undefined) return undefined;
  const pairs = query.split('&').flatMap((pair) => {
    const end = pair.indexOf('=');
    return end <= 0 ? [] : [[pair.slice(0, end), pair.slice(end + 1)]];
  });
  return { scheme, host, port, path: path === '' ? undefined : path, parameters: Object.fromEntries(pairs) as Readonly<Record<string, string>> };
}

function decoded(name: string): string | undefined {
  try {
    return decodeURIComponent(name.replaceAll('+', '%20'));
  } catch {
    return undefined;
  }
}
