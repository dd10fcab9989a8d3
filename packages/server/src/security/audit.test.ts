/** The audit log records each action; the check of a log finds every changed, dropped or moved line. */

import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Audit, chainStart, verifyAudit, type AuditEvent } from './audit.ts';
import { linesOf, openAuditFile } from './audit-file.ts';

const event = (action: string): AuditEvent => ({ kind: 'write', accessorId: 'a', namespace: 'default', address: '10.0.0.1', via: 'consul', action });
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** A log in memory; its sink fails while `broken` is true. */
function logged(waitingMax?: number) {
  const sink = { text: '', broken: false, appends: 0 };
  const errors: unknown[] = [];
  const audit = new Audit({
    sink: {
      append: (text) => {
        sink.appends++;
        if (sink.broken) return Promise.reject(new Error('disk full'));
        sink.text += text;
        return Promise.resolve();
      },
    },
    now: () => 1_700_000_000_000,
    onError: (error) => errors.push(error),
    ...(waitingMax !== undefined && { waitingMax }),
  });
  return { audit, sink, errors, lines: () => sink.text.split('\n').slice(0, -1) };
}

describe('the audit log', () => {
  it('records time, caller, address and action, and writes a batch at a time', async () => {
    const { audit, sink, lines } = logged();
    for (let n = 0; n < 100; n++) audit.record(event(`PUT /v1/kv/${n}`));
    await audit.flush();
    expect(sink.appends).toBe(1);
    expect(JSON.parse(lines()[41] ?? '')).toMatchObject({
      seq: 42,
      time: '2023-11-14T22:13:20.000Z',
      accessorId: 'a',
      address: '10.0.0.1',
      via: 'consul',
      action: 'PUT /v1/kv/41',
    });
    expect(await verifyAudit(lines())).toEqual({ ok: true, end: audit.end });
  });

  it('finds every changed, missing, swapped and added line', async () => {
    const { audit, lines } = logged();
    for (let n = 0; n < 20; n++) audit.record(event(`"action" ${n}`));
    await audit.flush();
    const good = lines();
    const nat = fc.nat({ max: good.length - 1 });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.tuple(nat, fc.nat(), fc.constantFrom('x', '7', ' ')).map(([at, position, char]) => {
            const line = good[at] ?? '';
            const cut = position % line.length;
            return good.with(at, line.slice(0, cut) + char + line.slice(cut + 1));
          }),
          // Not the last line: without it the log is shorter but valid. Only the hash of its end, kept in another place, shows the loss.
          fc.nat({ max: good.length - 2 }).map((at) => good.toSpliced(at, 1)),
          fc.tuple(nat, nat).map(([a, b]) => good.with(a, good[b] ?? '').with(b, good[a] ?? '')),
          fc.tuple(nat, nat).map(([a, b]) => good.toSpliced(a, 0, good[b] ?? '')),
        ),
        async (bad) => {
          fc.pre(bad.join('\n') !== good.join('\n'));
          expect(await verifyAudit(bad)).toMatchObject({ ok: false });
        },
      ),
    );
    const cut = await verifyAudit(good.slice(0, -1));
    expect(cut.ok && cut.end).not.toEqual(audit.end);
  });

  it('counts the lines that it dropped, and continues the chain from the last written line', async () => {
    const { audit, sink, errors, lines } = logged(2);
    for (let n = 0; n < 5; n++) audit.record(event(`${n}`));
    sink.broken = true;
    await audit.flush();
    expect(errors).toHaveLength(1);
    sink.broken = false;
    audit.record(event('later'));
    await audit.flush();
    expect(lines().map((line) => JSON.parse(line) as object)).toMatchObject([{ seq: 1, action: 'later', dropped: 5 }]);
    expect(await verifyAudit(lines())).toMatchObject({ ok: true });
  });

  it('shortens long fields of requests', async () => {
    const { audit, lines } = logged();
    audit.record(event('x'.repeat(100_000)));
    await audit.flush();
    expect(lines()[0]?.length).toBeLessThan(1_500);
  });
});

describe('the file', () => {
  async function path(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-audit-'));
    folders.push(folder);
    return join(folder, 'audit.jsonl');
  }

  it('continues at its end in every process that opens it', async () => {
    const name = await path();
    for (const action of ['one', 'two']) {
      const file = await openAuditFile(name);
      const audit = new Audit({ sink: file, now: () => 0, last: file.last, onError: (error) => expect.unreachable(String(error)) });
      audit.record(event(action));
      await audit.flush();
      await file.close();
    }
    expect(await verifyAudit(linesOf(name))).toMatchObject({ ok: true, end: { seq: 2 } });
  });

  it('cannot be opened after a line was changed or cut short', async () => {
    const name = await path();
    const file = await openAuditFile(name);
    expect(file.last).toEqual(chainStart);
    const audit = new Audit({ sink: file, now: () => 0, onError: (error) => expect.unreachable(String(error)) });
    audit.record(event('drop table'));
    await audit.flush();
    await file.close();
    const text = await readFile(name, 'utf8');
    await writeFile(name, text.replace('drop', 'keep'));
    await expect(openAuditFile(name)).rejects.toThrow('line 1: the line was changed');
    await writeFile(name, text);
    await appendFile(name, text.slice(0, 20));
    await expect(openAuditFile(name)).rejects.toThrow('line 2: not a line of an audit log');
  });
});
