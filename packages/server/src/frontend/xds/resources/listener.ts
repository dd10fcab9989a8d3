/**
 * The listener of a service for clients of gRPC: `xds:///orders` asks for one that is named `orders`, which says where its routes are
 * (gRFC A27). Envoy takes connections on listeners that its operator defines, so it gets none of these unless it asks for one by name.
 */

import { anyOf, encode } from '../wire/any.ts';
import { resourceOf, type Resource } from './resource.ts';

/** Asks on the same stream, in the third version of the messages. */
export const fromAds = { ads: {}, resource_api_version: 2 } as const;

const filters = 'envoy.extensions.filters';
/** The last filter, which gRPC demands and Envoy needs to send a request on. */
const router = { name: 'envoy.filters.http.router', typed_config: anyOf('Empty', `${filters}.http.router.v3.Router`, {}) };

export function listenerOf(name: string): Resource {
  const manager = { stat_prefix: name, rds: { config_source: fromAds, route_config_name: name }, http_filters: [router] };
  const content = { name, api_listener: { api_listener: anyOf('HttpConnectionManager', `${filters}.network.http_connection_manager.v3.HttpConnectionManager`, manager) } };
  return resourceOf('listener', name, [encode('Listener', content)]);
}
