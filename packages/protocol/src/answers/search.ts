/** The answer of `GET /rollcall/v1/search`: names and contents with what was typed. */

import { object, type Shaped } from '../schema.ts';
import { count, text, yes } from './values.ts';

const found = object({
  'kind': { type: 'string', enum: ['service', 'instance', 'node', 'key', 'config', 'release', 'lock', 'token', 'person'] },
  'name': text,
  'of': {
    type: 'object',
    additionalProperties: { anyOf: [text, count] },
    description: 'The service and the node of an instance; the app, the cluster and the number of a configuration or a release; the public id of a token or a person',
  },
  'line?': { ...text, description: 'The line that fits, if content does' },
});

export const searchSchema = object({
  found: { type: 'array', items: found },
  looked: { ...count, description: 'Rows that were compared' },
  isComplete: { ...yes, description: 'false: the budget of work ended before all rows were compared' },
});

export type Found = Shaped<typeof found>;
export type FoundKind = Found['kind'];
export type SearchAnswer = Shaped<typeof searchSchema>;
