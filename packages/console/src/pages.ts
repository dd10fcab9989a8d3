/** The program of each page. It is loaded when the page is first opened. */

import { lazy, type Component } from 'solid-js';
import type { LiveViews } from './live/views.ts';
import type { PagePart } from './page-table.ts';

export interface PageProps {
  readonly live: LiveViews;
  readonly namespace: string;
  /** Parts of the path below the page, decoded: `['web']` of `/ui/services/web`. */
  readonly parts: readonly string[];
}

export const pages: Readonly<Record<PagePart, Component<PageProps>>> = {
  '': lazy(() => import('./pages/overview/page.tsx')),
  diff: lazy(() => import('./pages/diff/page.tsx')),
  services: lazy(() => import('./pages/services/page.tsx')),
  nodes: lazy(() => import('./pages/nodes/page.tsx')),
  config: lazy(() => import('./pages/config/page.tsx')),
  flags: lazy(() => import('./pages/flags/page.tsx')),
  locks: lazy(() => import('./pages/locks/page.tsx')),
  keys: lazy(() => import('./pages/keys/page.tsx')),
  topology: lazy(() => import('./pages/topology/page.tsx')),
  clients: lazy(() => import('./pages/clients/page.tsx')),
  activity: lazy(() => import('./pages/activity/page.tsx')),
  access: lazy(() => import('./pages/access/page.tsx')),
  cluster: lazy(() => import('./pages/cluster/page.tsx')),
};
