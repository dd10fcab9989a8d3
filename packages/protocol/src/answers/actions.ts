/** The answer of `POST /rollcall/v1/actions`: what an action on instances came to. */

import { object, type Shaped } from '../schema.ts';
import { denialSchema } from './access.ts';
import { count, name, text, yes } from './values.ts';

const at = { service: name, node: name, id: name } as const;

const refusal = object({ ...at, 'code': text, 'message': text, 'denial?': denialSchema });

const checked = object({ ...at, check: text, status: { type: 'string', enum: ['passing', 'warning', 'critical', 'running', 'asked'] }, output: text });

export const actionSchema = object({
  'applied': { ...count, description: 'Instances to which it was, or would be, applied' },
  'of': { ...count, description: 'Instances of the services' },
  'leaves': { ...count, description: 'Instances that got traffic before and get none now' },
  'returns': { ...count, description: 'Instances that got none before and get traffic now' },
  'left': { ...count, description: 'Instances of the services that get traffic now' },
  'clients': { anyOf: [count, { type: 'null' }], description: 'Clients that watch the services; null: not known' },
  'refused': { type: 'array', items: refusal },
  'checks?': { type: 'array', items: checked, description: 'Of the action check; running: it takes longer; asked: another node of the store runs the probe' },
  'undo': { anyOf: [{ type: 'object', additionalProperties: {} }, { type: 'null' }], description: 'The body of the request that takes it back; null: it cannot be taken back' },
  'dryRun': yes,
});

/** An instance to which an action was not applied, and why. */
export type ActionRefusal = Shaped<typeof refusal>;
/** A check that was run now. */
export type CheckedNow = Shaped<typeof checked>;
export type ActionAnswer = Shaped<typeof actionSchema>;
