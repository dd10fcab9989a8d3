/** The address bar: which page is shown, of which namespace and time, and how it is filtered and sorted. It is the only place for these, so that a link shows the same. */

import { createSignal } from 'solid-js';

export interface Place {
  /** Parts of the path below the console's, decoded: `['services', 'web']`. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

const base = '/ui/';

/** Parameters that belong to the whole console: every link of a page keeps them. */
const lasting = ['namespace', 'at'] as const;

const [place, setPlace] = createSignal<Place>(read());
export { place };

window.addEventListener('popstate', () => setPlace(read()));

function read(): Place {
  const parts = location.pathname.startsWith(base) ? location.pathname.slice(base.length).split('/').filter((part) => part !== '') : [];
  return { parts: parts.map(decoded), query: new URLSearchParams(location.search) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a page, in the present namespace and at the present time unless the query says otherwise. @param query an empty value leaves the parameter out */
export function hrefOf(parts: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const { query: present } = place();
  const kept = lasting.map((name): [string, string] => [name, present.get(name) ?? '']);
  const wanted = { ...Object.fromEntries(kept), ...query };
  const text = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value !== '')).toString();
  return base + parts.map(encodeURIComponent).join('/') + (text === '' ? '' : `?${text}`);
}

/** Goes to another page. */
export function go(href: string): void {
  history.pushState(null, '', href);
  setPlace(read());
}

/** Goes to another page in place of this one: the way back does not lead here again. */
export function replaceWith(href: string): void {
  history.replaceState(null, '', href);
  setPlace(read());
}

/** Changes parameters of this page; an empty value removes one. The way back leads past it. */
export function refine(changes: Readonly<Record<string, string>>): void {
  const { parts, query } = place();
  history.replaceState(null, '', hrefOf(parts, { ...Object.fromEntries(query), ...changes }));
  setPlace(read());
}

/** Lets the browser open what the operator asks to see in another tab. */
export function follow(event: MouseEvent & { readonly currentTarget: HTMLAnchorElement }): void {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(event.currentTarget.getAttribute('href') ?? base);
}
