/**
 * The audit log on a full disk: the chain stays whole, events are counted as lost, and the log goes on once there is room. The test
 * mounts a small file system, and needs the right to do so.
 */

import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Audit, verifyAudit, type AuditEvent } from './audit.ts';
import { linesOf, openAuditFile } from './audit-file.ts';

const mountPoint = await mkdtemp(join(tmpdir(), 'rollcall-audit-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mountPoint]);
const reason = mounted.status === 0 ? '' : ` (left out: cannot mount a small disk: ${String(mounted.stderr ?? mounted.error).trim()})`;

afterAll(async () => {
  if (mounted.status === 0) spawnSync('umount', ['-l', mountPoint]);
  await rm(mountPoint, { recursive: true, force: true });
});

const event = (action: string): AuditEvent => ({ kind: 'write', accessorId: 'a', namespace: 'default', address: '10.0.0.1', via: 'consul', action });

describe.skipIf(mounted.status !== 0)(`the audit log on a full disk${reason}`, () => {
  it('keeps the chain whole, says once that it fails and once that it goes on, and opens again', async () => {
    const name = join(mountPoint, 'audit.log');
    const ballast = join(mountPoint, 'ballast');
    await writeFile(ballast, Buffer.alloc(16_384));
    const file = await openAuditFile(name);
    const errors: unknown[] = [];
    const recovered: number[] = [];
    const audit = new Audit({ sink: file, now: () => 0, onError: (error) => errors.push(error), onRecovered: (dropped) => recovered.push(dropped) });
    const record = async (action: string) => {
      audit.record(event(action));
      await audit.flush();
    };

    let written = 0;
    for (; errors.length === 0; written = audit.end.seq) await record('until it is full');
    // Neither a batch of several lines nor a single one leaves a part of itself.
    for (let n = 0; n < 10; n++) audit.record(event(`${n}`));
    await audit.flush();
    await record('single');
    expect(audit.end.seq).toBe(written);
    expect(errors).toMatchObject([{ code: 'ENOSPC' }]);
    expect(await verifyAudit(linesOf(name))).toEqual({ ok: true, end: audit.end });

    await rm(ballast);
    await record('there is room');
    await record('and still is');
    expect(recovered).toEqual([12]);
    await file.close();
    const again = await openAuditFile(name);
    expect(again.last).toEqual(audit.end);
    expect(again.last.seq).toBe(written + 2);
    await again.close();
  });
});
