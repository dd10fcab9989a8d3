/** What the palette offers: pages, what was chosen before, and what the server finds. */

import type { Found, SearchAnswer } from '@rollcall/protocol';
import { ask } from '../api.ts';
import { pageTable } from '../page-table.ts';
import { asOfMs } from '../live/as-of.ts';
import { go, hrefOf } from '../place.ts';
import { recent, rememberRecent } from '../recent.ts';

export interface Offer {
  /** Chooses its icon. */
  readonly kind: string;
  /** The kind for people. */
  readonly label: string;
  readonly name: string;
  /** More about it: the service of an instance, the line of a content. */
  readonly about: string;
  /** Where it leads; absent for an action. */
  readonly href?: string;
  readonly run: () => void;
}

const foundMax = 30;

/** Pages of things that have none of their own are that of their list, filtered. */
const places: Readonly<Record<Found['kind'], (found: Found, namespace: string) => string>> = {
  service: ({ name }) => hrefOf(['services', name]),
  instance: ({ name, of }) => hrefOf(['services', text(of['service'])], { filter: name, instance: `${text(of['node'])}/${name}` }),
  node: ({ name }) => hrefOf(['nodes', name]),
  key: ({ name }) => hrefOf(['keys'], { in: name.slice(0, name.lastIndexOf('/') + 1), key: name }),
  config: configPlace,
  release: configPlace,
  lock: ({ name }) => hrefOf(['locks', name]),
  token: ({ name }) => hrefOf(['access'], { filter: name }),
  person: ({ of }) => hrefOf(['activity'], { person: text(of['accessorId']) }),
};

/** Words for people, where the kind is another one. */
const labels: Readonly<Partial<Record<Found['kind'], string>>> = { config: 'configuration' };

function configPlace({ of, name }: Found, namespace: string): string {
  const app = text(of['app']);
  const cluster = text(of['cluster']);
  return hrefOf(['config', namespace, app, name.slice(app.length + 1)], { cluster: cluster === 'default' ? '' : cluster });
}

function text(value: string | number | undefined): string {
  return String(value ?? '');
}

export function pageOffers(): Offer[] {
  return pageTable.map(({ part, name, key }) => leading({ kind: part, label: 'page', name, about: `g ${key}`, href: hrefOf(part === '' ? [] : [part]) }));
}

function leading(offer: Omit<Offer, 'run'> & { readonly href: string }): Offer {
  return { ...offer, run: () => go(offer.href) };
}

/** @throws ApiError (the promise) */
export async function searchOffers(typed: string, namespace: string, signal: AbortSignal): Promise<{ readonly offers: readonly Offer[]; readonly note: string }> {
  const query = new URLSearchParams({ q: typed, limit: String(foundMax) });
  const { found, looked, isComplete } = await ask<SearchAnswer>('GET', `/rollcall/v1/search?${query.toString()}`, undefined, { headers: { 'x-rollcall-namespace': namespace }, signal });
  const offers = found.map((each) => leading({ kind: each.kind, label: labels[each.kind] ?? each.kind, name: each.kind === 'release' ? `${each.name} #${text(each.of['number'])}` : each.name, about: each.line ?? aboutOf(each), href: places[each.kind](each, namespace) }));
  return { offers, note: isComplete ? '' : `Only the first ${looked} things were looked at; type more of the name.` };
}

function aboutOf({ kind, of }: Found): string {
  if (kind === 'person') return 'activity';
  if (kind === 'instance') return `${text(of['service'])} on ${text(of['node'])}`;
  return kind === 'config' && of['cluster'] !== 'default' ? text(of['cluster']) : '';
}

/** The page that they lead to asks the server for rights. */
export function recentOffers(): Offer[] {
  return recent().map(leading);
}

/** Only things, and not those of a past time. */
export function remember({ kind, label, name, about, href }: Offer): void {
  if (href !== undefined && label !== 'page' && asOfMs() === undefined) rememberRecent({ kind, label, name, about, href });
}

/** The letters stand in the name in this order. */
export function fits(typed: string): (offer: Offer) => boolean {
  const letters = typed.toLowerCase().replaceAll(/\s+/g, '');
  return ({ name }) => {
    let at = -1;
    const lower = name.toLowerCase();
    for (const letter of letters) {
      at = lower.indexOf(letter, at + 1);
      if (at < 0) return false;
    }
    return true;
  };
}
