/** Small drawings beside words; they mean nothing alone, so screen readers do not mention them. */

import type { JSX } from 'solid-js';

/** Lines in a square of 16, by the page or the thing that they stand for. */
const paths: Readonly<Record<string, string>> = {
  overview: 'M2.5 9.5 5 6l2.5 3L11 3.5l2.5 4M2.5 13h11',
  services: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01',
  nodes: 'M4 4h8v8H4zM6.5 4V2M9.5 4V2M6.5 14v-2M9.5 14v-2M4 6.5H2M4 9.5H2M14 6.5h-2M14 9.5h-2',
  config: 'M3 4.5h5M11 4.5h2M3 11.5h2M8 11.5h5M9.5 3v3M6.5 10v3',
  flags: 'M4 14V2.5M4 3h8l-2 3 2 3H4',
  locks: 'M4 7h8v6H4zM5.5 7V5a2.5 2.5 0 0 1 5 0v2',
  keys: 'M9.5 9A3.5 3.5 0 1 0 7 6.5L2.5 11v2.5H5V12h1.5v-1.5zM10.5 5.5h.01',
  topology: 'M8 5.5v2M8 7.5 4.5 10M8 7.5 11.5 10M6.5 2.5h3v3h-3zM2.5 10.5h3v3h-3zM10.5 10.5h3v3h-3z',
  clients: 'M8 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM3 13.5c.5-3 2.5-4 5-4s4.5 1 5 4',
  activity: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM8 5v3l2 1.5',
  access: 'M8 2 3 4v4c0 3 2 5 5 6 3-1 5-3 5-6V4zM6 8l1.5 1.5L10.5 6.5',
  cluster: 'M8 6.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3zM3.5 2.5h2v2h-2zM10.5 2.5h2v2h-2zM3.5 11.5h2v2h-2zM10.5 11.5h2v2h-2zM5.5 4.5l1.5 2.300M10.5 4.5 9 6.800M5.5 11.5 7 9.200M10.5 11.5 9 9.200',
  diff: 'M5.5 2.5v11M3 11l2.5 2.5L8 11M10.5 13.5v-11M8 5l2.5-2.5L13 5',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5l3 3',
  page: 'M4 2.5h5l3 3v8H4zM9 2.5v3h3',
};

const sameAs: Readonly<Record<string, string>> = { '': 'overview', configuration: 'config', configurations: 'config', instance: 'services', service: 'services', node: 'nodes', key: 'keys', lock: 'locks', flag: 'flags', person: 'clients', release: 'config' };

/** @param props.of the part of a page, or a kind of thing; a sheet of paper for others */
export function Icon(props: { readonly of: string }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[sameAs[props.of] ?? props.of] ?? paths['page']} />
    </svg>
  );
}
