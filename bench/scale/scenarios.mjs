/** What is simulated, and the seconds over which its traffic is spread in the tables. */

import { calm } from './calm.mjs';
import { reconnect } from './reconnect.mjs';
import { redeploy } from './redeploy.mjs';
import { zone, zones } from './zone.mjs';

export const scenarios = {
  calm: { run: calm, title: 'A calm hour', seconds: 3_600 },
  redeploy: { run: redeploy, title: 'A redeploy of the whole fleet within an hour', seconds: 3_600 },
  zone: { run: zone, title: 'The loss of one of three zones, 40 minutes', seconds: 2_400 },
  zones: { run: zones, title: 'The loss of two of three zones, 40 minutes', seconds: 2_400 },
  reconnect: { run: reconnect, title: 'A reconnect storm, the first minute', seconds: 65 },
};
