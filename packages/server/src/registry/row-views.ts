/**
 * Which views show a row. While the row is there, its own revision tells when it last changed, so these
 * views need no marker; `touch-views.ts` writes one only for a view that stops showing a row.
 */

import { find, type Reader } from './reader.ts';
import type { Row } from './rows.ts';
import type { ServiceIndex } from './kind/catalog/service-index.ts';
import { viewOf } from './view-name.ts';

/**
 * Adds the views that show a row. Its work follows the number of services on a node, never the number
 * of instances.
 *
 * @param reader finds the instance of a check
 * @param services those of each node; a service that the same writes bring to the node or take from it is
 *   added by its instance's row
 */
export function addViewsOf(
  row: Row,
  views: { add(view: string): unknown },
  reader: Reader,
  services: Pick<ServiceIndex, 'addViewsOn'>,
): void {
  switch (row.kind) {
    case 'namespace':
      views.add(viewOf.namespaces());
      break;
    case 'node':
      views.add(viewOf.nodes());
      views.add(viewOf.sharedNode(row.name));
      services.addViewsOn(row.name, views);
      break;
    case 'service':
      views.add(viewOf.serviceRecord(row.namespace, row.name));
      views.add(viewOf.serviceRecords(row.namespace));
      break;
    case 'instance':
      views.add(viewOf.service(row.namespace, row.service));
      if (row.node !== '') views.add(viewOf.node(row.namespace, row.node));
      break;
    case 'check':
      views.add(viewOf.checks(row.namespace));
      if (row.instance === '') {
        views.add(viewOf.sharedNode(row.node));
        services.addViewsOn(row.node, views);
      } else {
        if (row.node !== '') views.add(viewOf.node(row.namespace, row.node));
        const instance = find.instance(reader, row.namespace, row.node, row.instance);
        if (instance !== undefined) views.add(viewOf.service(row.namespace, instance.service));
      }
      break;
    case 'session':
      views.add(viewOf.sessions(row.namespace));
      break;
    case 'record':
      views.add(viewOf.records(row.namespace, row.type));
      break;
    case 'kv':
    case 'tombstone':
    case 'delay':
    case 'view':
    case 'head':
    case 'floor':
    case 'unread':
      break;
  }
}

/** Whether every view that shows the row before shows the row after it, too. Both have one key. */
export function keepsItsViews(before: Row, after: Row): boolean {
  if (before.kind === 'instance' && after.kind === 'instance') return before.service === after.service;
  if (before.kind === 'check' && after.kind === 'check') return before.instance === after.instance;
  return true;
}
