/** Who did what a line without a token says: rollouts and their alarms act by themselves (`server/src/rollouts`). Pure. */

import type { ActivityLine } from '@rollcall/protocol';

export function doerOf({ via, action }: Pick<ActivityLine, 'via' | 'action'>): string {
  if (via !== 'rollouts') return 'no known token';
  return action.includes(': its alarm ended it') ? 'the alarm' : 'the server, as planned';
}
