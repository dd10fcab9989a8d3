/** The names that a stream of xDS asks for: joined in parts, shared by types, left when no type asks for them. */

import { describe, expect, it } from 'vitest';
import type { Catalog } from '../catalog/catalog.ts';
import { Interests } from './interests.ts';

/** A catalog that lists the services whose feeds are joined. */
function followed() {
  const joined: string[] = [];
  const service = (namespace: string, name: string) => {
    const key = `${namespace}/${name}`;
    const feed = feeds.get(key) ?? { leave: () => joined.splice(joined.indexOf(key), 1) };
    feeds.set(key, feed);
    if (!joined.includes(key)) joined.push(key);
    return feed;
  };
  const feeds = new Map<string, object>();
  const interests = new Interests({ service } as unknown as Catalog, { changed: () => {} });
  return { joined, interests };
}

const numbered = (count: number) => new Set(Array.from({ length: count }, (_, at) => `s${at}`));

describe('feeds of names', () => {
  it('are joined a limited number at a time, in order, until all are', () => {
    const { joined, interests } = followed();
    interests.follow('endpoints', numbered(5));
    expect([interests.join('default', 2), joined]).toEqual([false, ['default/s0', 'default/s1']]);
    expect(interests.get('s4')).toBeUndefined();
    expect([interests.join('default', 2), joined.length]).toEqual([false, 4]);
    expect([interests.join('default', 2), joined.length]).toEqual([true, 5]);
    expect(interests.get('s4')).toMatchObject({ target: { namespace: 'default', service: 's4' } });
  });

  it('are never joined for a name that is given up before its turn', () => {
    const { joined, interests } = followed();
    interests.follow('endpoints', numbered(3));
    interests.join('default', 1);
    interests.follow('endpoints', new Set(['s2']));
    expect([interests.join('default', 10), joined]).toEqual([true, ['default/s2']]);
  });

  it('stay joined while another type, or another name of the service, asks for them', () => {
    const { joined, interests } = followed();
    interests.follow('cluster', new Set(['orders', 'orders~canary']));
    interests.follow('endpoints', new Set(['orders']));
    interests.join('default', 10);
    interests.follow('cluster', new Set());
    expect(joined).toEqual(['default/orders']);
    interests.follow('endpoints', new Set(['orders~canary']));
    interests.join('default', 10);
    expect([...interests.names]).toEqual(['orders~canary']);
    interests.follow('endpoints', new Set());
    expect(joined).toEqual([]);
  });
});
