/** The visible surface of this front end, as a table. */

import { frameLimits as limits, keyCountSchema, keyListSchema } from '@rollcall/protocol';
import type { DescribedRoute, Parameter, Schema } from '../../net/open-api.ts';

export const prefix = '/rollcall/v1/keys';

/** Entries of one answer. */
export const entriesMax = 1_000;
/** Characters of the beginning of a value. */
export const beginningMax = 120;

const key: Schema = { type: 'string', maxLength: limits.keyMax };

const under: readonly Parameter[] = [
  { name: 'prefix', description: 'Only keys that begin with this', schema: { ...key, default: '' } },
  { name: 'namespace', description: 'Their namespace', schema: { type: 'string', default: 'default' } },
  { name: 'at', description: 'A past time, in milliseconds since the Unix epoch, or `r` with a revision; now when absent', schema: { type: 'string' } },
];

export const described: readonly DescribedRoute[] = [
  {
    path: prefix,
    methods: ['GET', 'HEAD'],
    access: { kind: 'filters', resources: ['key'] },
    operations: {
      GET: {
        summary: 'Keys under a prefix without their values, folder by folder',
        parameters: [
          ...under,
          { name: 'separator', description: 'Keys with this after the prefix are one folder; without it, all keys are listed', schema: { type: 'string', maxLength: 16 } },
          { name: 'after', description: 'Only what comes after this: `next` of the page before', schema: key },
          { name: 'limit', description: 'Most entries', schema: { type: 'integer', minimum: 1, maximum: entriesMax, default: entriesMax } },
        ],
        answer: {
          type: 'application/json',
          description: 'What the caller may read, in order; the ETag changes with it',
          schema: keyListSchema,
        },
      },
    },
  },
  {
    path: `${prefix}/count`,
    methods: ['GET', 'HEAD'],
    access: { kind: 'filters', resources: ['key'] },
    operations: { GET: { summary: 'How many keys there are under a prefix', parameters: under, answer: { type: 'application/json', description: 'Those that the caller may read', schema: keyCountSchema } } },
  },
];
