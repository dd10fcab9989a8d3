/** Rollouts of configurations, as requests and answers of `/rollcall/v1/config` have them: who gets a release, and how it reaches all clients by and by. */

import { object, type Shaped } from '../schema.ts';
import { count, share, text, texts, time } from './values.ts';

/** Characters of the name of a rollout, and of a service. */
const word = { type: 'string', maxLength: 256 } as const;

const rule = object(
  { 'kind': { type: 'string', enum: ['app', 'address', 'label', 'instance', 'expression'] }, 'apps?': texts, 'addresses?': texts, 'label?': text, 'values?': texts, 'instances?': texts, 'expression?': text },
  'Which clients: of these apps; at these addresses or in these networks; with one of these values of a label; these instances; for which an expression holds',
);

const stage = object({ 'percent?': { type: 'number', minimum: 0, maximum: 100 }, 'count?': count, 'bakeMs': count }, 'A percentage of the clients, or a count of live instances, and how long');

const alarm = object({
  'on': { type: 'array', items: { type: 'string', enum: ['unhealthy', 'error'] } },
  'share': { ...share, description: 'By how much the share of such instances among those with the release must exceed the share among the others' },
  'atLeast?': count,
  'webhook?': text,
});

const planFields = {
  'stages': { type: 'array', items: stage },
  'alarm?': alarm,
  'service?': { ...word, description: 'The service that has the instances; by default the app' },
} as const;

export const rolloutPlanSchema = object(planFields);

const staged = object({ ...planFields, 'stage': { ...count, description: 'The present one, from 0' }, 'state': { type: 'string', enum: ['running', 'paused'] }, 'sinceMs': time, 'spentMs': count, 'assigned?': { ...texts, description: 'In a stage with a count: the instances that have the release, as NODE/ID' } });

/** A rollout that is asked for. */
export const rolloutInputSchema = object({ 'name': word, 'rule?': rule, 'priority?': { type: 'integer' }, 'plan?': rolloutPlanSchema }, 'Some clients get the release; with a plan, all of them by and by');

/** A rollout that goes on. */
export const rolloutSchema = object({ 'name': text, 'release': count, 'md5': text, 'rule?': rule, 'priority': { type: 'integer' }, 'staged?': staged });

/** Which clients a rollout is for. */
export type RolloutRule = Shaped<typeof rule>;
export type RolloutStage = Shaped<typeof stage>;
/** When a rollout is taken back. */
export type RolloutAlarm = Shaped<typeof alarm>;
export type RolloutPlan = Shaped<typeof rolloutPlanSchema>;
/** Where a plan is. */
export type StagedRollout = Shaped<typeof staged>;
export type RolloutInput = Shaped<typeof rolloutInputSchema>;
export type ShownRollout = Shaped<typeof rolloutSchema>;
