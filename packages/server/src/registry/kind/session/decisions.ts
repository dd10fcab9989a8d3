/** Decides the commands about sessions. */

import type { Draft } from '../../draft.ts';
import { ifItStands } from '../../if-it-stands.ts';
import { Removal } from '../../removal.ts';
import type { Decision } from '../../room.ts';
import type { SessionDestroy } from './commands.ts';
import { connectSession, createSession, reconnectSession, renewSession } from './decide.ts';
import { endSession } from './end.ts';

export const decisions = {
  'session-create': { writes: true, decide: createSession },
  'session-destroy': {
    decide: (draft: Draft, { namespace, id, judged }: SessionDestroy, now: number) =>
      ifItStands(draft, judged, endSession(new Removal(draft, now), namespace, id)),
  },
  'session-renew': { decide: renewSession },
  'session-reconnect': { decide: reconnectSession },
  'session-connected': { decide: connectSession },
} satisfies Record<string, Decision>;
