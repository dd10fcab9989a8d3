/** The description of prepared queries, which are records of a type of their own. */

import type { Room } from '../../room.ts';
import { decisions } from './decisions.ts';

export const queryRoom = { name: 'query', kinds: {}, decisions } satisfies Room;
