/** The frame of every page: the rail, the bar on top, and the page that the address names. */

import { createEffect, createMemo, createSignal, ErrorBoundary, lazy, on, onCleanup, onMount, Show, Suspense, type JSX } from 'solid-js';
import { Dynamic } from 'solid-js/web';
import { isBusy } from './live/pending.ts';
import { watchForUpgrade } from './live/upgrade.ts';
import { LiveViews } from './live/views.ts';
import { focusHeading } from './parts/focus.ts';
import { Help } from './parts/help.tsx';
import type { Offer } from './parts/palette-offers.ts';
import { Rail } from './parts/rail.tsx';
import { listenToKeys } from './parts/shortcuts.ts';
import { SignIn } from './parts/sign-in.tsx';
import { PastBanner } from './parts/time-chip.tsx';
import { TopBar } from './parts/top-bar.tsx';
import { follow, hrefOf, place } from './place.ts';
import { pageTable } from './page-table.ts';
import { pages } from './pages.ts';
import { asOfMs, settleAsOf, showAsOf } from './live/as-of.ts';
import { finishSignIn } from './returned.ts';
import { anonymousAccessor, loadSession, session, signOut } from './session.ts';

export function App(): JSX.Element {
  const [error, setError] = createSignal('');
  const [failure, setFailure] = createSignal('');
  onMount(() => {
    finishSignIn().then((why) => (setFailure(why), loadSession())).catch((reason: unknown) => setError(reason instanceof Error ? reason.message : String(reason)));
  });
  settleAsOf();
  const subject = createMemo(() => session()?.subject.accessorId);
  return (
    <Show when={session()} fallback={<p class="empty" role="status">{error() === '' ? 'Connecting …' : `The server cannot be reached: ${error()}`}</p>}>
      <Show when={failure() !== ''}><p class="error failed-sign-in" role="alert">{failure()} <button type="button" onClick={() => setFailure('')}>Close</button></p></Show>
      <Show when={subject()} keyed>
        {/* Another caller sees other content: everything begins anew. */}
        {(_subject) => <Frame />}
      </Show>
    </Show>
  );
}

function Frame(): JSX.Element {
  const namespace = (): string => place().query.get('namespace') ?? session()?.namespace ?? 'default';
  return (
    <Show when={namespace()} keyed>
      {(name) => <Console namespace={name} />}
    </Show>
  );
}

type Sheet = 'help' | 'sign-in' | 'palette';

const loadPalette = () => import('./parts/palette.tsx');
const Palette = lazy(loadPalette);

function Console(props: { readonly namespace: string }): JSX.Element {
  let main!: HTMLElement;
  const live = new LiveViews(props.namespace);
  onCleanup(() => live.close());
  const isOther = watchForUpgrade(live.link);
  const [sheet, setSheet] = createSignal<Sheet>();
  const close = (): void => {
    setSheet();
  };
  const page = (): string => place().parts[0] ?? '';
  const shown = createMemo(() => pageTable.find(({ part }) => part === page()));
  createEffect(() => {
    document.title = `${place().parts[1] ?? shown()?.name ?? 'No page'} · Rollcall`;
  });
  const path = createMemo(() => place().parts.join('/'));
  createEffect(on(path, () => onCleanup(focusHeading(main)), { defer: true }));
  onMount(() => onCleanup(listenToKeys({ pause: () => live.pause(!live.isPaused()), help: () => setSheet('help'), search: () => setSheet('palette') })));
  // The first press opens it at once.
  onMount(() => setTimeout(() => void loadPalette().catch(() => {}), paletteMs));
  const actions = (): readonly Offer[] => frameActions({ live, setSheet });
  return (
    <div class="console" data-environment={session()?.environment?.colour} classList={{ stale: live.link().staleSinceMs !== undefined }}>
      <a class="skip" href="#content" onClick={(event) => (event.preventDefault(), main.focus())}>Skip to the content</a>
      <Rail page={page()} />
      <TopBar live={live} namespace={props.namespace} onSearch={() => setSheet('palette')} onSignIn={() => setSheet('sign-in')} onHelp={() => setSheet('help')} />
      <PastBanner />
      <Show when={isOther()}>
        <div class="banner" role="status"><span>The server has another version of the console now.</span><button type="button" onClick={() => location.reload()}>Load it</button></div>
      </Show>
      <main id="content" tabindex="-1" aria-busy={isBusy()} ref={main}>
        <Show when={asOfMs() === undefined || session()?.history === true} fallback={<NoHistory />}>
          <Show when={shown()} fallback={<><h1>There is no such page</h1><p><a href={hrefOf([])} onClick={follow}>Go to the overview</a></p></>}>
            {(entry) => (
              <ErrorBoundary fallback={(error: unknown) => <Failed error={error} />}>
                <Suspense fallback={<p class="empty" role="status">Loading …</p>}>
                  <Dynamic component={pages[entry().part]} live={live} namespace={props.namespace} parts={place().parts.slice(1)} />
                </Suspense>
              </ErrorBoundary>
            )}
          </Show>
        </Show>
      </main>
      <Show when={sheet() === 'sign-in'}><SignIn namespace={props.namespace} onClose={close} /></Show>
      <Show when={sheet() === 'palette'}><Suspense><Palette namespace={props.namespace} actions={actions()} onClose={close} /></Suspense></Show>
      <Show when={sheet() === 'help'}><Help onClose={close} /></Show>
    </div>
  );
}

/** A page whose program failed, or is not on the server any more because the server has another version now. */
function Failed(props: { readonly error: unknown }): JSX.Element {
  return (
    <>
      <h1>This page failed</h1>
      <p class="error" role="alert">{props.error instanceof Error ? props.error.message : String(props.error)}</p>
      <p><button type="button" onClick={() => location.reload()}>Load the console again</button></p>
    </>
  );
}

/** A link leads to a past time, and the server cannot answer for it. */
function NoHistory(): JSX.Element {
  return (
    <>
      <h1>This server keeps no history</h1>
      <p>It cannot show a past time; start it with a limit above 0: <code>--history</code>.</p>
      <p><button type="button" onClick={() => showAsOf(undefined)}>Back to now</button></p>
    </>
  );
}

/** After the page: its own files come first. */
const paletteMs = 500;

/** What the palette does besides going somewhere. */
function frameActions({ live, setSheet }: { readonly live: LiveViews; readonly setSheet: (sheet: Sheet) => void }): readonly Offer[] {
  const action = (name: string, about: string, run: () => void): Offer => ({ kind: 'action', label: 'action', name, about, run });
  const isAnonymous = session()?.subject.accessorId === anonymousAccessor;
  return [
    live.isPaused() ? action('Go on', 'Space', () => live.pause(false)) : action('Pause', 'Space', () => live.pause(true)),
    ...(asOfMs() === undefined ? [] : [action('Back to now', 'leave the past', () => showAsOf(undefined))]),
    action('Copy the link to this page', 'with filter, order and time', () => void navigator.clipboard?.writeText(location.href)),
    ...(session()?.accessControl !== true ? [] : isAnonymous ? [action('Sign in', '', () => setSheet('sign-in'))] : [action('Sign out', '', () => void signOut())]),
    action('Keyboard', '?', () => setSheet('help')),
  ];
}
