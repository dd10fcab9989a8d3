/**
 * Answers for the service mesh, its configuration entries and intentions, and peering, which Rollcall does not have. Reads
 * answer like a Consul without any of them. Writes are refused, since the registry must not accept a rule that it
 * does not enforce.
 */

import { RegistryError } from '@rollcall/protocol';
import { recordsView } from '../../../registry/kind/record/views.ts';
import type { Handler } from '../request/call.ts';
import { endpoint } from '../request/endpoint.ts';
import { permission } from '../request/permission.ts';
import { type Asked, formOf, jsonBody, type Query, restOf } from '../request/query.ts';
import { invalid, quoted } from '../wire/errors.ts';
import { unescapePath } from '../wire/params.ts';

/** A list that is empty and never changes; clients may wait for it. */
export function emptyList(asked: Asked): Query {
  const { namespace, params } = asked;
  const body = jsonBody(params);
  return {
    view: recordsView(namespace, 'consul mesh'),
    name: `${formOf(asked)} empty`,
    shows: [],
    encode: () => body([]),
  };
}

/** `GET /v1/config/:kind` lists entries, and `/v1/config/:kind/:name` reads one. */
export function configEntries(asked: Asked): Query {
  const path = restOf(asked, 'config entry kind');
  const slash = path.indexOf('/');
  if (slash < 0 || slash === path.length - 1) return emptyList(asked);
  const [kind, name] = [path.slice(0, slash), path.slice(slash + 1)];
  throw new RegistryError('not_found', `Config entry not found for ${quoted(kind)} / ${quoted(name)}`);
}

/** `GET /v1/connect/intentions/check`: without an intention, the default policy of access control decides, as in Consul. */
export const checkIntention = endpoint({
  decode: ({ params }) => {
    for (const name of ['source', 'destination']) {
      if (params.get(name) === '') throw invalid(`required query parameter '${name}' not set`);
    }
    return params.get('destination');
  },
  permissions: (destination) => [permission('service', 'read', destination)],
  answer: (_destination, { context: { security }, params }) =>
    jsonBody(params)({ Allowed: !security.acl.enabled || security.acl.defaultPolicy === 'allow' }),
});

/** `GET /v1/connect/intentions/match` */
export const matchIntentions = endpoint({
  decode: ({ params }) => {
    if (params.get('by') === '') throw invalid("required query parameter 'by' not set");
    const names = params.all('name');
    if (names.length === 0) throw invalid("required query parameter 'name' not set");
    return names;
  },
  permissions: (names) => names.map((name) => permission('intention', 'read', name)),
  answer: (names, { params }) => {
    const matches = Object.create(null) as Record<string, null>;
    for (const name of names) matches[name] = null;
    return jsonBody(params)(matches);
  },
});

/** `GET /v1/connect/intentions/exact` */
export const exactIntention: Handler = () => {
  throw new RegistryError('not_found', 'Intention not found');
};

/** `GET /v1/catalog/gateway-services/:gateway` and `GET /v1/health/ingress/:service` */
export function emptyOfService(asked: Asked): Query {
  const name = restOf(asked, 'service name');
  return { ...emptyList(asked), permission: permission('service', 'read', name) };
}

/** `GET /v1/peering/:name` */
export const peering: Handler = ({ rest }) => {
  throw new RegistryError('not_found', `Peering not found for ${quoted(unescapePath(rest))}`);
};

/** @param feature in the plural, for the message */
export function refuse(feature: string): Handler {
  return () => {
    throw invalid(`${feature} are not supported: there is no service mesh`);
  };
}
