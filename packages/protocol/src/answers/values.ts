/** Schemas of single values that several answers have. What an answer means is said where it is described. */

import { frameLimits } from '../frame-limits.ts';
import { instanceStatuses, type InstanceStatus } from '../instance.ts';

export const text = { type: 'string' } as const;
export const texts = { type: 'array', items: text } as const;
export const name = { type: 'string', maxLength: frameLimits.nameMax } as const;
export const yes = { type: 'boolean' } as const;
export const count = { type: 'integer', minimum: 0 } as const;
export const rate = { type: 'number', minimum: 0 } as const;
export const weight = { type: 'number', minimum: 0 } as const;
export const share = { type: 'number', minimum: 0, maximum: 1 } as const;
export const time = { type: 'number', minimum: 0, description: 'Milliseconds since the Unix epoch' } as const;
export const labels = { type: 'object', additionalProperties: text } as const;
export const status = { type: 'string', enum: instanceStatuses } as const;
/** A field for each status: how many instances have it. */
export const byStatus = Object.fromEntries(instanceStatuses.map((each) => [each, count])) as Readonly<Record<InstanceStatus, typeof count>>;
export const can = { type: 'array', items: { type: 'string', enum: ['read', 'write'] }, description: 'What the caller may do with it' } as const;
/** Nodes that have not answered in time. */
export const missing = { type: 'array', items: text, description: 'Nodes that have not answered: their part is left out' } as const;

/** How many instances have each status. */
export type CountsByStatus = Readonly<Record<InstanceStatus, number>>;
