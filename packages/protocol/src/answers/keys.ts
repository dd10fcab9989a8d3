/** The answers of `GET /rollcall/v1/keys` and below it: names of keys, folder by folder. */

import { frameLimits as limits } from '../frame-limits.ts';
import { object, type Shaped } from '../schema.ts';
import { can, count, text } from './values.ts';

const folder = object({ folder: { ...text, description: 'The prefix with the name of the folder, up to the separator' } });

const key = object({
  'key': { type: 'string', maxLength: limits.keyMax },
  'bytes': count,
  'flags': { ...text, description: 'Decimal digits' },
  'revision': count,
  'session?': { ...text, description: 'It holds the key' },
  'beginning?': { ...text, description: 'Of the value, if it is text' },
  can,
});

const entry = { anyOf: [folder, key] } as const;

export const keyListSchema = object({
  'entries': { type: 'array', items: entry },
  'next?': { ...text, description: 'Where the next page begins; absent on the last one' },
});
export const keyCountSchema = object({ count });

/** A key without its value. */
export type ListedKey = Shaped<typeof key>;
/** A key, or a folder of keys. */
export type KeyEntry = Shaped<typeof entry>;
export type KeyList = Shaped<typeof keyListSchema>;
export type KeyCount = Shaped<typeof keyCountSchema>;
