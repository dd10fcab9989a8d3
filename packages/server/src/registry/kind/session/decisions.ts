/** What comes of the commands about sessions. */

import { ifItStands } from '../../if-it-stands.ts';
import type { SessionDestroy } from './command.ts';
import type { Draft } from '../../draft.ts';
import type { Decision } from '../../room.ts';
import { Removal } from '../catalog/remove.ts';
import { connectSession, createSession } from './decide.ts';

export const decisions = {
  'session-create': { writes: true, decide: createSession },
  'session-destroy': {
    decide: (draft: Draft, { namespace, id, judged }: SessionDestroy, now: number) =>
      ifItStands(draft, judged, new Removal(draft, now).session(namespace, id)),
  },
  'session-connected': { decide: connectSession },
} satisfies Record<string, Decision>;
