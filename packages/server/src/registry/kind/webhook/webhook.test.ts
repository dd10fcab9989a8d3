/** Webhooks in the state: set and replaced, refused with a reason that has no secret, and gone with a delete. */

import { beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../journal.case.ts';
import { kinds } from '../../kinds.ts';
import type { WebhookAdvance, WebhookSet } from './commands.ts';
import { countWebhooks, eventsOf, everyWebhook, findProgress, findWebhook } from './find.ts';
import type { WebhookRow } from './rows.ts';

let journal: Journal;
beforeEach(() => {
  journal = new Journal();
});

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const set = (more: object = {}): WebhookSet => ({ kind: 'webhook-set', namespace: 'default', name: 'pager', url: 'https://example.org/hook', secret, events: ['service.empty'], ...more });
const run = (command: Parameters<Journal['commit']>[0][number]) => journal.commit([command]).outcomes[0];

describe('a webhook', () => {
  it('is set and replaced, and keeps its secret if the new one names none', () => {
    expect(run(set())).toEqual({ result: true });
    const { secret: _, ...without } = set({ events: ['member.left'], forMs: 0, services: ['pay*'], disabled: true });
    expect(run(without)).toEqual({ result: true });
    expect(findWebhook(journal.state, 'default', 'pager')).toMatchObject({ secret, events: ['member.left'], forMs: 0, services: ['pay*'], disabled: true });
    expect([...everyWebhook(journal.state)]).toHaveLength(1);
    expect(run({ kind: 'webhook-delete', namespace: 'default', name: 'pager' })).toEqual({ result: true });
    expect(run({ kind: 'webhook-delete', namespace: 'default', name: 'pager' })).toEqual({ result: false });
    expect(countWebhooks(journal.state, 'default')).toBe(0);
  });

  it('waits 5 s by default', () => {
    run(set());
    expect(findWebhook(journal.state, 'default', 'pager')?.forMs).toBe(5_000);
  });

  it.each([
    ['a name with a slash', { name: 'a/b' }, 'the name "a/b"'],
    ['another scheme', { url: 'ftp://example.org' }, 'url must be an http or https URL'],
    ['a password in the URL', { url: 'https://me:pass@example.org' }, 'a user name or a password'],
    ['no secret', { secret: undefined }, 'a new webhook needs a secret'],
    ['a short secret', { secret: 'whsec_c2hvcnQ=' }, '24 to 64 random bytes'],
    ['a secret in another form', { secret: 'hunter2' }, '24 to 64 random bytes'],
    ['an unknown event', { events: ['nothing'] }, 'there is no event "nothing"'],
    ['no event', { events: [] }, 'events must name one event or more'],
    ['an event twice', { events: ['member.left', 'member.left'] }, 'each once'],
    ['a star inside a name', { services: ['a*b'] }, '"a*b"'],
    ['an empty list of services', { services: [] }, 'services has 0 entries'],
    ['a negative time', { forMs: -1 }, 'forMs is -1'],
    ['an unknown namespace', { namespace: 'none' }, 'none'],
  ])('with %s is refused', (_what, more, message) => {
    const outcome = run(set(more));
    expect(outcome).toMatchObject({ error: { message: expect.stringContaining(message) as string } });
    expect(JSON.stringify(outcome)).not.toMatch(/hunter2|c2hvcnQ/);
    expect(countWebhooks(journal.state, 'default')).toBe(0);
  });

  it('is in no view, so the history has none of its secrets', () => {
    expect(kinds.get('webhook')?.unseen).toBe(true);
  });
});

describe('the progress of a webhook', () => {
  const event = (id: string) => ({ id, type: 'service.empty', body: '{}', atMs: 1, about: id, foundAt: 1 });
  const advance = (hook: number, after: number, more: Partial<WebhookAdvance> = {}) => run({ kind: 'webhook-advance', namespace: 'default', name: 'pager', hook, after, upTo: 1, add: [], remove: [], waiting: 0, dropped: 0, ...more });
  const pager = () => findWebhook(journal.state, 'default', 'pager') as WebhookRow;

  it('has events in the order in which they were added, once each, until they are removed, and the last outcomes', () => {
    run(set());
    const { created } = pager();
    expect(advance(created, 0, { add: [event('b'), event('a')], failure: { atMs: 1, type: 'service.empty', tries: 1, error: 'refused' } })).toEqual({ result: true });
    expect(advance(created, 1, { add: [event('a'), event('c')], remove: ['b', 'none'], dropped: 2, upTo: 5 })).toEqual({ result: true });
    expect(eventsOf(journal.state, pager()).map(({ id }) => id)).toEqual(['a', 'c']);
    expect(findProgress(journal.state, 'default', 'pager')).toMatchObject({ upTo: 5, writes: 2, dropped: 2, failure: { error: 'refused' } });
  });

  it('is written by one sender at a time, and never for a webhook that has taken the name of another', () => {
    run(set());
    const { created } = pager();
    expect([advance(created, 1), advance(created, 0), advance(created, 0)]).toEqual([{ result: false }, { result: true }, { result: false }]);
    run({ kind: 'webhook-delete', namespace: 'default', name: 'pager' });
    expect(advance(created, 1)).toEqual({ result: false });
    run(set());
    expect(advance(created, 1)).toEqual({ result: false });
    expect(advance(pager().created, 0, { add: [event('new')] })).toEqual({ result: true });
    expect(eventsOf(journal.state, pager()).map(({ id }) => id)).toEqual(['new']);
  });

  it('and its events lapse with their webhook, and are in no view and no restore', () => {
    run(set());
    const { created } = pager();
    advance(created, 0, { add: [event('a')] });
    const rows = [findProgress(journal.state, 'default', 'pager'), ...eventsOf(journal.state, pager())];
    const lapsed = () => rows.map((row) => row && kinds.of(row).lapsed?.(row, 0, journal.state));
    expect(lapsed()).toEqual([false, false]);
    run({ kind: 'webhook-delete', namespace: 'default', name: 'pager' });
    expect(lapsed()).toEqual([true, true]);
    for (const name of ['webhook-progress', 'webhook-event'] as const) expect(kinds.get(name)).toMatchObject({ unseen: true, notRestored: true });
  });
});
