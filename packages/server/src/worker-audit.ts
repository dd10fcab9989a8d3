/** Hands the audit log of workers over the channel: the request that a worker makes, and the primary's answer to it. */

import { RegistryError } from '@rollcall/protocol';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import { BadMessage } from './cluster/channel/bytes.ts';
import type { Link } from './cluster/channel/link.ts';
import type { Methods } from './cluster/channel/peer.ts';
import { boundedEvent } from './security/audit.ts';
import { AuditIntake, HandedAudit, type AuditBatch, type AuditTarget } from './security/audit-handover.ts';

/** @param link to the primary */
export function handedAudit(link: Link, clock: Clock, log: Logger): HandedAudit {
  return new HandedAudit({
    hand: (batch) => link.call('audit', Buffer.from(JSON.stringify(batch))),
    clock,
    onError: (err) => log.warn({ err }, 'the primary does not take events of the audit log; they are handed over again'),
  });
}

/** @param isWorker whether a node is a worker of this one: others have audit logs of their own */
export function auditMethods(audit: AuditTarget, isWorker: (nodeId: string) => boolean): (from: () => string) => Methods {
  const intake = new AuditIntake(audit);
  return (from) => ({
    audit: {
      kind: 'answer',
      async run(body) {
        if (!isWorker(from())) throw new RegistryError('permission_denied', 'only workers of this node write to its audit log');
        await intake.take(from(), decoded(body));
        return Buffer.of();
      },
    },
  });
}

/** @throws BadMessage */
function decoded(body: Buffer): AuditBatch {
  try {
    const { number, dropped, records } = JSON.parse(body.toString()) as AuditBatch;
    if (!Number.isSafeInteger(number) || !Number.isSafeInteger(dropped)) throw new TypeError('a number is missing');
    if (!records.every(({ at }) => Number.isSafeInteger(at))) throw new TypeError('a time is missing');
    return { number, dropped, records: records.map(({ event, at }) => ({ event: boundedEvent(event), at })) };
  } catch (error) {
    throw new BadMessage(`events of the audit log cannot be read: ${(error as Error).message}`);
  }
}
