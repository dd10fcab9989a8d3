/** The answers about the past, of `GET /rollcall/v1/history` and below it. The items of a view are those of the native stream (`frame-reply.ts`). */

import type { FrameItem } from '../frame.ts';
import { instanceStatuses } from '../instance.ts';
import { object, type Shaped } from '../schema.ts';
import { count, text, time, yes } from './values.ts';

const moment = object({ atMs: time, revision: count });

export const changedKinds = ['service', 'instance', 'key', 'config', 'route', 'lock'] as const;

const field = object({ 'field': text, 'before?': { description: 'Absent: there was none' }, 'after?': {} });

const change = object({
  kind: { type: 'string', enum: changedKinds },
  change: { type: 'string', enum: ['added', 'removed', 'changed'] },
  name: { ...text, description: 'Of the service, key, configuration (`APP/NAME`), route or lock; of an instance its id' },
  'service?': { ...text, description: 'Of an instance' },
  'node?': { ...text, description: 'Of an instance' },
  'cluster?': { ...text, description: 'Of a configuration, if it is not the usual one' },
  fields: { type: 'array', items: field, description: 'Those that differ' },
});

export const historySchema = object({
  ...{ sinceMs: time, sinceRevision: count, nowMs: time, revision: count, bytes: count, bytesMax: count },
  'lost?': { ...object({ atMs: time, bytes: count }), description: 'The disk took no writes, so the oldest part was dropped before it was too old: when last, and how many bytes since the start' },
});

export const historyDiffSchema = object({
  ...{ from: moment, to: moment, changes: { type: 'array', items: change } },
  'truncated?': { ...yes, description: 'There are more than the limit' },
});

/** Items as a snapshot of the view has them. */
export const pastViewSchema = object({
  ...{ atMs: time, revision: count, items: { type: 'array', items: {} } },
  'partial?': { ...yes, description: 'The token may not read all of it' },
});

const status = { type: 'string', enum: ['passing', 'warning', 'critical'] } as const;

const checkChange = object({
  ...{ atMs: time, revision: count, check: text },
  'node?': { ...yes, description: "A check of the instance's node" },
  from: { anyOf: [{ type: 'null' }, status], description: 'null: there was no such check' },
  to: { anyOf: [{ type: 'null' }, status], description: 'null: the check was removed' },
  output: { ...text, description: 'What the check said after the change, cut' },
});

export const checkChangesSchema = object({
  changes: { type: 'array', items: checkChange, description: 'The newest first' },
  failures: { ...count, description: 'How often a check became critical, among all changes that the history has' },
  sinceMs: { ...time, description: 'All changes since then are known' },
});

const cell = object({
  passing: { ...count, description: 'Instances that got traffic, at the moment of the cell at which the fewest did' },
  other: count,
  worst: { anyOf: [{ type: 'null' }, { type: 'string', enum: instanceStatuses }], description: 'The worst status at any moment of the cell; null without instances' },
});

export const healthStripSchema = object({
  ...{ fromMs: time, toMs: time },
  cells: { type: 'array', items: { anyOf: [{ type: 'null' }, cell] }, description: 'null: before the history begins, or in the future' },
});

export interface PastView<T extends object = FrameItem> extends Omit<Shaped<typeof pastViewSchema>, 'items'> {
  readonly items: readonly T[];
}

/** From when on the past can be read, and how much of it is kept. */
export type HistoryFacts = Shaped<typeof historySchema>;
/** One field that differs between two times. */
export type FieldChange = Shaped<typeof field>;
/** One thing that differs between two times. */
export type HistoryChange = Shaped<typeof change>;
export type HistoryDiff = Shaped<typeof historyDiffSchema>;
/** A check of an instance got another status. */
export type CheckChange = Shaped<typeof checkChange>;
export type CheckChanges = Shaped<typeof checkChangesSchema>;
/** The worst moment of a service in a part of a time. */
export type HealthCell = Shaped<typeof cell>;
export type HealthStrip = Shaped<typeof healthStripSchema>;
