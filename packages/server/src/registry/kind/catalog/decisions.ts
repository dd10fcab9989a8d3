/** Decides the commands about nodes, services, instances and checks. */

import type { Draft } from '../../draft.ts';
import { ifItStands } from '../../if-it-stands.ts';
import { Removal } from '../../removal.ts';
import type { Decision } from '../../room.ts';
import type { DeregisterCheck, DeregisterInstance, DeregisterNode, Register, UpdateChecks } from './commands.ts';
import { keepDepartures } from './departures.ts';
import { setStatus } from './instance.ts';
import { refuseReserved, register } from './register.ts';
import { removeCheck, removeInstance, removeNode } from './remove.ts';
import { deleteService, putService } from './service.ts';
import { updateChecks } from './update-checks.ts';

export const decisions = {
  register: { writes: true, decide: (draft: Draft, command: Register, now: number) => register(draft, command, now) },
  'deregister-instance': {
    decide: (draft: Draft, { namespace, node, id, judged }: DeregisterInstance, now: number) =>
      ifItStands(draft, judged, removeInstance(new Removal(draft, now), namespace, node, id)),
  },
  'deregister-check': {
    decide(draft: Draft, { namespace, node, id }: DeregisterCheck, now: number) {
      refuseReserved(id);
      return removeCheck(new Removal(draft, now), namespace, node, id);
    },
  },
  'keep-departures': { writes: true, decide: keepDepartures },
  'instance-status': { decide: setStatus },
  'service-put': { writes: true, decide: putService },
  'service-delete': { decide: deleteService },
  'deregister-node': {
    resumes: true,
    letsOthersPass: true,
    decide: (draft: Draft, command: DeregisterNode, now: number) => removeNode(new Removal(draft, now), command),
  },
  'update-checks': { decide: (draft: Draft, command: UpdateChecks, now: number) => updateChecks(draft, command, now) },
} satisfies Record<string, Decision>;
