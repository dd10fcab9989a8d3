import { beforeEach, describe, expect, it } from 'vitest';
import { RegistryError, type ReplyFrame, type SnapshotFrame, type WatchedView, type WelcomeFrame } from '@rollcall/protocol';
import { manualClock, type ManualClock } from '../../../server/src/manual-clock.case.ts';
import type { CachedView } from './cached-view.ts';
import type { Ask } from './requests.ts';
import { WatchedViews } from './watched-views.ts';

const welcome = (registry = 'r'): WelcomeFrame => ({
  ...{ type: 'welcome', id: 1, protocol: 1, registry, server: { name: 's', version: '1' }, node: 'n' },
  ...{ resumed: false, graceMs: 10_000, pingMs: 1_000 },
});
const key = (name: string) => ({ kind: 'key', name }) as const;
const snapshot = (name: string, revision: number): SnapshotFrame => ({
  ...{ type: 'snapshot', view: key(name), revision },
  items: [{ key: name, value: '', flags: '0', revision }],
});

/** A connection that answers on the test's command. */
class FakeConnection {
  welcome: WelcomeFrame | undefined;
  readonly server = 'http://r:8500';
  readonly asked: { ask: Ask; resolve: (reply: ReplyFrame) => void; reject: (error: unknown) => void }[] = [];

  urge(): void {}

  ask(ask: Ask): Promise<ReplyFrame> {
    return new Promise((resolve, reject) => this.asked.push({ ask, resolve, reject }));
  }

  /** The requests since the last call, as `type: names`. */
  taken(): string[] {
    return this.asked.splice(0).map(({ ask }) => {
      const views = 'views' in ask ? (ask.views as WatchedView[]) : [];
      return `${ask.type}: ${views.map(({ name, revision }) => (revision === undefined ? name : `${name}@${revision}`)).join()}`;
    });
  }
}

let connection: FakeConnection;
let clock: ManualClock;
let views: WatchedViews;
let saved: string[];
const turn = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  connection = new FakeConnection();
  clock = manualClock();
  saved = [];
  const onContent = ({ view, revision }: CachedView) => saved.push(`${view.name}@${revision}`);
  views = new WatchedViews({ connection, clock, restore: () => undefined, onContent });
});

function greet(registry?: string): void {
  connection.welcome = welcome(registry);
  views.greeted(connection.welcome);
}

describe('watched views of a server that does not follow its store', () => {
  it('are stale from when it was last known to, until it follows it again; each is kept with its age', () => {
    greet();
    const a = views.use(key('a'));
    views.pushed(snapshot('a', 7));
    clock.advance(1_000);
    expect([a.current, a.ageMs]).toEqual([true, 0]);
    saved = [];
    views.pushed({ type: 'freshness', staleMs: 300 });
    clock.advance(200);
    expect([a.current, a.ageMs]).toEqual([false, 500]);
    expect(saved).toEqual(['a@7']);
    views.pushed(snapshot('a', 9));
    expect([a.revision, a.current, a.ageMs]).toEqual([9, false, 500]);
    views.pushed({ type: 'freshness', staleMs: 0 });
    expect([a.current, a.ageMs]).toEqual([true, 0]);
  });

  it('stay as old as they were when the connection ends', () => {
    greet();
    const a = views.use(key('a'));
    views.pushed(snapshot('a', 7));
    views.pushed({ type: 'freshness', staleMs: 300 });
    clock.advance(200);
    views.lost();
    expect([a.current, a.ageMs]).toEqual([false, 500]);
    // The next server follows its store.
    greet();
    views.pushed(snapshot('a', 8));
    expect([a.current, a.ageMs]).toEqual([true, 0]);
  });
});

describe('watched views', () => {
  it('are requested together from a reachable registry, each from its revision', async () => {
    const a = views.use(key('a'));
    views.use(key('b'));
    await turn();
    expect(connection.taken()).toEqual([]);
    greet();
    views.use(key('a'));
    await turn();
    expect(connection.taken()).toEqual(['watch: a,b']);
    views.pushed(snapshot('a', 7));
    expect([a.revision, a.current]).toEqual([7, true]);
    views.lost();
    connection.welcome = undefined;
    expect(a.current).toBe(false);
    greet();
    await turn();
    expect(connection.taken()).toEqual(['watch: a@7,b']);
  });

  it('are current again when the registry confirms their revision', async () => {
    greet();
    const [a, b] = [views.use(key('a')), views.use(key('b'))];
    views.pushed(snapshot('a', 7));
    views.pushed(snapshot('b', 8));
    views.lost();
    greet();
    await turn();
    connection.asked.at(-1)?.resolve({ type: 'watching', id: 3, revisions: [7, 9] });
    await turn();
    // The newer content of b is on its way.
    expect([a.current, b.current]).toEqual([true, false]);
  });

  it('are requested in frames within the registry’s limits', async () => {
    greet();
    for (let number = 0; number < 1_200; number++) views.use(key(`k${number}`));
    views.use(key('long'.repeat(400)));
    await turn();
    const sizes = connection.asked.map(({ ask }) => ('views' in ask ? ask.views.length : 0));
    expect(sizes).toEqual([500, 500, 201]);
    expect(Math.max(...connection.asked.map(({ ask }) => JSON.stringify(ask).length))).toBeLessThan(1_048_576);
  });

  it('fail one by one when one of them is refused, and are requested again when they are used again', async () => {
    greet();
    const [good, bad] = [views.use(key('good')), views.use(key('bad'))];
    await turn();
    connection.asked.shift()?.reject(new RegistryError('resource_exhausted', 'too large'));
    await turn();
    expect(connection.asked.map(({ ask }) => ('views' in ask ? ask.views[0]?.name : ''))).toEqual(['good', 'bad']);
    connection.asked[1]?.reject(new RegistryError('resource_exhausted', 'too large'));
    await turn();
    expect([good.failure, (bad.failure as RegistryError).code]).toEqual([undefined, 'resource_exhausted']);
    connection.asked.length = 0;
    views.use(key('bad'));
    await turn();
    expect(connection.taken()).toEqual([]);
    views.useAgain(key('bad'));
    await turn();
    expect(connection.taken()).toEqual(['watch: bad']);
  });

  it('that are refused are requested again from time to time, as long as a caller uses them', async () => {
    greet();
    const view = views.use(key('a'));
    await turn();
    connection.taken();
    views.pushed({ type: 'watch-ended', view: key('a'), code: 'permission_denied', message: 'no' });
    expect(view.failure).toMatchObject({ code: 'permission_denied' });
    clock.advance(10_000);
    await turn();
    expect(connection.taken()).toEqual(['watch: a']);
    views.pushed(snapshot('a', 5));
    expect([view.failure, view.current]).toEqual([undefined, true]);
  });

  it('of which a part was sent are requested whole from the next link, and then accept an older revision', async () => {
    greet();
    const view = views.use(key('a'));
    await turn();
    views.pushed({ ...snapshot('a', 9), partial: true });
    connection.taken();
    views.lost();
    greet();
    await turn();
    expect(connection.taken()).toEqual(['watch: a']);
    views.pushed(snapshot('a', 5));
    expect([view.revision, view.current]).toEqual([5, true]);
    views.lost();
    greet();
    await turn();
    expect(connection.taken()).toEqual(['watch: a@5']);
  });

  it('without content fail when no registry accepts the client; those with content stay', async () => {
    greet();
    const [known, fresh] = [views.use(key('known')), views.use(key('fresh'))];
    await turn();
    views.pushed(snapshot('known', 1));
    views.lost();
    views.refused(new RegistryError('unauthenticated', 'no'));
    expect([known.hopeless, fresh.hopeless]).toEqual([undefined, expect.objectContaining({ code: 'unauthenticated' })]);
    greet();
    await turn();
    views.pushed(snapshot('fresh', 1));
    expect(fresh.hopeless).toBeUndefined();
  });

  it('are requested whole when a delta does not follow', async () => {
    greet();
    const a = views.use(key('a'));
    await turn();
    connection.taken();
    views.pushed(snapshot('a', 5));
    views.pushed({ type: 'delta', view: key('a'), from: 6, revision: 7, put: [], remove: ['a'] });
    expect(connection.taken()).toEqual(['watch: a']);
    expect(a.items).toHaveLength(1);
  });

  it('are dropped when they were not used for a while, but not while a listener exists', async () => {
    greet();
    const [used, listened] = [views.use(key('used')), views.use(key('listened'))];
    views.use(key('left'));
    const stop = listened.listen(() => {});
    await turn();
    connection.taken();
    clock.advance(60_000);
    views.use(key('used'));
    clock.advance(60_000);
    expect(connection.taken()).toEqual(['unwatch: left']);
    stop();
    expect([views.use(key('used')), views.use(key('listened'))]).toEqual([used, listened]);
    clock.advance(120_000);
    expect(connection.taken()).toEqual(['unwatch: used,listened']);
    // Without views there is no timer.
    expect(views.use(key('left')).revision).toBeUndefined();
  });

  it('are current whenever they are passed to the cache', () => {
    greet();
    views.use(key('a'));
    views.pushed(snapshot('a', 5));
    views.lost();
    views.lost();
    expect(saved).toEqual(['a@5', 'a@5']);
  });

  it('of another registry are requested whole', async () => {
    greet('r');
    const a = views.use(key('a'));
    views.pushed(snapshot('a', 50));
    await turn();
    connection.taken();
    views.lost();
    greet('another');
    await turn();
    expect(connection.taken()).toEqual(['watch: a']);
    views.pushed(snapshot('a', 1));
    expect([a.revision, a.current]).toEqual([1, true]);
  });

  it('end with the client, also those that are used later', () => {
    greet();
    const a = views.use(key('a'));
    views.closed();
    expect([(a.failure as RegistryError).code, (views.useAgain(key('late')).failure as RegistryError).code]).toEqual(['cancelled', 'cancelled']);
  });
});
