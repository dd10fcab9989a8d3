/** Reads the services of a state. */

import type { Indexed } from '../../room.ts';
import { servicesOf } from './service-index.ts';

/** The service names of a namespace with the union of their instances' tags, both in order. */
export function serviceList(state: Pick<Indexed, 'index'>, namespace: string): [string, string[]][] {
  const services = servicesOf(state);
  return Array.from(services.names(namespace), (service) => [service, [...services.tagsOf(namespace, service)]]);
}
