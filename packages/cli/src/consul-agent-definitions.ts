/**
 * Service and check definitions of Consul's configuration files, as bodies of the agent API. The names
 * are those of the API in snake_case, and the API does not look at upper and lower case; what it makes
 * of the values, and what it refuses, is its business.
 */

import { listOf } from './consul-agent-files.ts';
import { isObject, type Values } from './consul-agent-values.ts';
import { usage } from './failure.ts';

export interface Definitions {
  readonly services: readonly Values[];
  readonly checks: readonly Values[];
}

/** Fields whose own keys are names that people chose. */
const named = new Set(['meta', 'header', 'taggedaddresses', 'proxy']);

/** @throws CommandFailure `usage` */
export function definitionsOf(config: Values): Definitions {
  return {
    services: listOf(config['services']).map((value) => serviceOf(object(value, 'services'))),
    checks: listOf(config['checks']).map((value) => camel(object(value, 'checks'))),
  };
}

function serviceOf(values: Values): Values {
  const service = camel(values);
  const checks = [...listOf(service['checks']), ...listOf(service['check'])].map((value) => {
    const { id, ...check } = camel(object(value, 'checks of a service'));
    return id === undefined ? check : { checkid: id, ...check };
  });
  const { check: _one, checks: _several, ...rest } = service;
  return { ...rest, ...(checks.length === 0 ? {} : { checks }) };
}

/** `deregister_critical_service_after` is the API's `DeregisterCriticalServiceAfter`, whatever the case. */
function camel(values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const name = key.replaceAll('_', '').toLowerCase();
      const one = Array.isArray(value) && value.length === 1 && isObject(value[0]) && !/^checks?$/.test(name);
      const single: unknown = one ? (value as unknown[])[0] : value;
      return [name, isObject(single) && !named.has(name) && !/^checks?$/.test(name) ? camel(single) : single];
    }),
  );
}

function object(value: unknown, place: string): Values {
  if (isObject(value)) return value;
  throw usage(`${place} must be objects, not ${JSON.stringify(value)}`);
}
