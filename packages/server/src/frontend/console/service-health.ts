/** The services of a namespace, as the list of their health shows them. */

import type { ServiceHealth } from '@rollcall/protocol';
import { countsOf, type Listing } from '../../net/health-list.ts';
import type { Pace, Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { instancesOfService } from '../../registry/kind/catalog/find.ts';
import { servicesAt, tagsAt } from '../../registry/kind/catalog/services-at.ts';
import { serviceView } from '../../registry/kind/catalog/views.ts';
import type { Authorizer } from '../../security/authorizer.ts';

/** Microseconds, about. */
const unitsPerInstance = 1;

export function servicesIn(frozen: Frozen, authorizer: Authorizer, namespace: string, pace: Pace): Listing<string> {
  return {
    ...{ namespace, authorizer, list: 'services', resource: 'service', things: servicesAt(frozen, namespace), isShared: true },
    nameOf: (service) => service,
    viewOf: (service) => serviceView(namespace, service),
    *entry(service): Work<Omit<ServiceHealth, 'can'>> {
      return { service, tags: tagsAt(frozen, namespace, service), ...(yield* countsOf(frozen, [...instancesOfService(frozen, namespace, service)], pace, unitsPerInstance)) };
    },
  };
}
