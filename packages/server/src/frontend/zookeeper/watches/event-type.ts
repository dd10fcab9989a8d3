/** The numbers of events in ZooKeeper's protocol. */

import { eventTypes, type EventType } from '../../../jute/codes.ts';
import type { ZnodeEventType } from './watch-table.ts';

export const eventTypeOf: Readonly<Record<ZnodeEventType, EventType>> = {
  created: eventTypes.created,
  deleted: eventTypes.deleted,
  changed: eventTypes.dataChanged,
  children: eventTypes.childrenChanged,
};
