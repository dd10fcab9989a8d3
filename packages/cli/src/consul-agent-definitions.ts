/**
 * Converts service and check definitions of Consul's configuration files to bodies of the agent API. The names
 * are those of the API in snake_case, and the API ignores upper and lower case. The API checks the values.
 */

import { listOf } from './consul-agent-files.ts';
import { isObject, type Values } from './consul-agent-values.ts';
import { usage } from './failure.ts';
import { unknownName } from './settings/values.ts';

export interface Definitions {
  readonly services: readonly Values[];
  readonly checks: readonly Values[];
}

const checkFields = [
  ...['id', 'check_id', 'name', 'notes', 'service_id', 'token', 'status', 'args', 'script_args', 'http', 'header', 'method'],
  ...['body', 'disable_redirects', 'output_max_size', 'tcp', 'tcp_use_tls', 'udp', 'interval', 'docker_container_id', 'shell'],
  ...['grpc', 'grpc_use_tls', 'tls_server_name', 'tls_skip_verify', 'alias_node', 'alias_service', 'timeout', 'ttl', 'h2ping'],
  ...['h2ping_use_tls', 'os_service', 'success_before_passing', 'failures_before_warning', 'failures_before_critical'],
  ...['deregister_critical_service_after', 'proxy_http', 'proxy_grpc'],
];
const serviceFields = [
  ...['kind', 'id', 'name', 'tags', 'address', 'tagged_addresses', 'meta', 'port', 'socket_path', 'check', 'checks', 'token'],
  ...['weights', 'enable_tag_override', 'proxy', 'connect', 'locality'],
];
/** Of objects inside of definitions. */
const innerFields: Readonly<Record<string, readonly string[]>> = {
  weights: ['passing', 'warning'],
  locality: ['region', 'zone'],
  connect: ['native', 'sidecar_service', 'peer_meta', 'proxy'],
};

/** @throws CommandFailure `usage` */
export function definitionsOf(config: Values): Definitions {
  return {
    services: listOf(config['services']).map((value) => serviceOf(object(value, 'services'))),
    checks: listOf(config['checks']).map((value) => checkOf(object(value, 'checks'), 'check')),
  };
}

function serviceOf(values: Values): Values {
  const place = `service ${JSON.stringify(nameOf(values))}`;
  const service = camel(values, serviceFields, place);
  const checks = [...listOf(service['checks']), ...listOf(service['check'])].map((value) => {
    // Consul's agent needs the token of a check to write to its servers; here definitions of files need none.
    const { id, token: _token, ...check } = checkOf(object(value, 'checks of a service'), `${place}: check`);
    return id === undefined ? check : { checkid: id, ...check };
  });
  const { check: _one, checks: _several, ...rest } = service;
  return { ...rest, ...(checks.length === 0 ? {} : { checks }) };
}

function checkOf(values: Values, place: string): Values {
  return camel(values, checkFields, `${place} ${JSON.stringify(nameOf(values))}`);
}

function nameOf(values: Values): unknown {
  return Object.entries(values).find(([key, value]) => /^(name|id)$/i.test(key) && typeof value === 'string')?.[1] ?? '';
}

/** `deregister_critical_service_after` is the API's `DeregisterCriticalServiceAfter`, in any case of letters. */
function camel(values: Values, fields: readonly string[], place: string): Values {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const name = plain(key);
      if (!fields.some((field) => plain(field) === name)) throw usage(`${place}: ${unknownName('field', key, fields)}`);
      const one = Array.isArray(value) && value.length === 1 && isObject(value[0]) && !/^checks?$/.test(name);
      const single: unknown = one ? (value as unknown[])[0] : value;
      const inner = innerFields[name];
      return [name, isObject(single) && inner !== undefined ? camel(single, inner, `${place}: ${key}`) : single];
    }),
  );
}

function plain(key: string): string {
  return key.replaceAll('_', '').toLowerCase();
}

function object(value: unknown, place: string): Values {
  if (isObject(value)) return value;
  throw usage(`${place} must be objects, not ${JSON.stringify(value)}`);
}
