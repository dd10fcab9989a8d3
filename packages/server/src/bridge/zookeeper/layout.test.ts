import { describe, expect, it } from 'vitest';
import { curatorLayout, dubboLayout, groupOf, placeOf } from './layout.ts';

const layouts = [curatorLayout('/services'), dubboLayout('/dubbo')];

describe('the place of a changed znode', () => {
  it.each([
    { path: '/services', expected: 'base' },
    { path: '/services/web', expected: '/services/web' },
    { path: '/services/web/i1', expected: '/services/web i1' },
    { path: '/services/web/i1/deeper', expected: '/services/web i1' },
    { path: '/dubbo', expected: 'base' },
    { path: '/dubbo/org.Api/providers', expected: '/dubbo/org.Api/providers' },
    { path: '/dubbo/org.Api/providers/dubbo%3A%2F%2F1', expected: '/dubbo/org.Api/providers dubbo%3A%2F%2F1' },
    { path: '/dubbo/org.Api', expected: undefined },
    { path: '/dubbo/org.Api/consumers/x', expected: undefined },
    { path: '/dubbo/mapping/providers', expected: undefined },
    { path: '/servicesandmore/web', expected: undefined },
    { path: '/', expected: undefined },
  ])('$path', ({ path, expected }) => {
    const place = placeOf(layouts, path);
    expect(place?.kind === 'group' ? [place.group, place.name].filter((each) => each !== undefined).join(' ') : place?.kind).toBe(expected);
  });

  it('names the group of a service', () => {
    expect(layouts.map((layout) => groupOf(layout, 'x'))).toEqual(['/services/x', '/dubbo/x/providers']);
  });
});
