import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkReply } from './index.ts';

const instance = {
  id: 'a b',
  service: 'web',
  node: 'n',
  address: '10.0.0.1',
  port: 80,
  tags: ['x'],
  meta: { k: 'v' },
  weight: 1.5,
  status: 'draining',
};
const service = { kind: 'service', name: 'web' };
const prefix = { kind: 'prefix', name: '' };
const entry = { key: 'k', value: 'AA==', flags: '18446744073709551615', revision: 3, session: 's' };

const valid: Record<string, object> = {
  'a welcome': {
    type: 'welcome',
    id: 1,
    protocol: 1,
    registry: 'r',
    server: { name: 's', version: '1' },
    node: 'n',
    resumed: true,
    graceMs: 10_000,
    pingMs: 1_000,
  },
  'a welcome in a namespace': {
    ...{ type: 'welcome', id: 1, protocol: 1, registry: 'r', server: { name: 's', version: '1' }, node: 'n' },
    ...{ resumed: true, graceMs: 10_000, pingMs: 1_000, namespace: 'team-a' },
  },
  'a welcome that asks for reports of picks': {
    ...{ type: 'welcome', id: 1, protocol: 1, registry: 'r', server: { name: 's', version: '1' }, node: 'n' },
    ...{ resumed: false, graceMs: 10_000, pingMs: 1_000, pickReportMs: 10_000 },
  },
  'a welcome of a node that does not follow its store': {
    ...{ type: 'welcome', id: 1, protocol: 1, registry: 'r', server: { name: 's', version: '1' }, node: 'n' },
    ...{ resumed: true, graceMs: 10_000, pingMs: 1_000, staleMs: 1_200 },
  },
  'a done': { type: 'done', id: 1, applied: false },
  'a done of a known revision': { type: 'done', id: 1, applied: true, revision: 7 },
  'the news that a node does not follow its store': { type: 'freshness', staleMs: 1 },
  'a lease': { type: 'leased', id: 1, ordinal: 0 },
  'a watching': { type: 'watching', id: 1, revisions: [0, 7] },
  'a snapshot of a service': { type: 'snapshot', view: service, revision: 1, items: [instance] },
  'a snapshot of what may be read': { type: 'snapshot', view: prefix, revision: 1, partial: true, items: [entry] },
  'a snapshot as an answer': { type: 'snapshot', id: 4, view: prefix, revision: 1, items: [entry] },
  'a snapshot of the services': {
    type: 'snapshot',
    view: { kind: 'services', name: '' },
    revision: 1,
    items: [{ service: 'web', tags: [] }],
  },
  'a snapshot of an instance with everything': {
    ...{ type: 'snapshot', view: service, revision: 1 },
    items: [{ ...instance, scheme: 'https', ports: { admin: { port: 9, scheme: 'http' }, x: { port: 1 } }, zone: 'a', region: 'b', cluster: 'c' }],
  },
  'a delta of a service': { type: 'delta', view: service, from: 1, revision: 2, put: [instance], remove: [['n', 'b']] },
  'a delta of a prefix': { type: 'delta', view: prefix, from: 1, revision: 2, put: [], remove: ['k'] },
  'the end of a watch': { type: 'watch-ended', view: service, code: 'resource_exhausted', message: 'm' },
  'the loss of a session': { type: 'session-lost' },
  'a farewell': { type: 'go-elsewhere', servers: ['http://b:8500'] },
  'an error': { type: 'error', id: 2, code: 'not_found', message: 'm' },
  'an error about nothing in particular': { type: 'error', code: 'invalid_argument', message: 'm' },
};

describe('a frame of the registry', () => {
  it.each(Object.entries(valid))('may be %s', (_what, frame) => {
    expect(checkReply(frame)).toEqual({ ok: true, frame });
  });

  it.each([
    ['of no known type', { type: 'news', id: 9 }],
    ['a snapshot with an item of another view', { type: 'snapshot', view: prefix, revision: 1, items: [instance] }],
    ['an instance with a status of its own', { type: 'snapshot', view: service, revision: 1, items: [{ ...instance, status: 'up' }] }],
    ['an instance without an address', { type: 'snapshot', view: service, revision: 1, items: [{ ...instance, address: undefined }] }],
    ['a zone that is not text', { type: 'snapshot', view: service, revision: 1, items: [{ ...instance, zone: 1 }] }],
    ['a named port without a number', { type: 'snapshot', view: service, revision: 1, items: [{ ...instance, ports: { admin: {} } }] }],
    ['meta that is not text', { type: 'snapshot', view: service, revision: 1, items: [{ ...instance, meta: { a: 1 } }] }],
    ['flags that are no number', { type: 'snapshot', view: prefix, revision: 1, items: [{ ...entry, flags: '0x1' }] }],
    ['a removed instance without its node', { type: 'delta', view: service, from: 1, revision: 2, put: [], remove: ['b'] }],
    ['a revision in a string', { type: 'snapshot', view: service, revision: '1', items: [] }],
  ])('is not taken when it is %s', (_what, frame) => {
    expect(checkReply(frame).ok).toBe(false);
  });

  it('is an error also when its code is unknown', () => {
    expect(checkReply({ type: 'error', code: 'too_tired', message: 'm' })).toMatchObject({ frame: { code: 'internal' } });
  });

  it('gives the id of its request even when it is malformed', () => {
    expect(checkReply({ type: 'done', id: 5, applied: 'yes' })).toMatchObject({ ok: false, id: 5 });
  });

  it('never makes the check throw, for any value', () => {
    const damaged = fc
      .tuple(fc.constantFrom(...Object.values(valid)), fc.jsonValue(), fc.nat())
      .map(([frame, value, at]) => {
        const keys = Object.keys(frame);
        return { ...frame, [keys[at % keys.length] as string]: value };
      });
    fc.assert(fc.property(fc.oneof(fc.jsonValue(), damaged), (value) => void checkReply(value)), { numRuns: 2_000 });
  });
});
