/** The pages of the console: what the rail, the shortcuts, the palette and the tests are made of. Their programs are in `pages.ts`. */

/** Headings of the rail, in its order; pages of a group stand together. */
export const pageGroups = ['Now', 'Configuration', 'Traffic', 'Operation'] as const;

export interface PageEntry {
  /** First part of its path; empty for the page at `/ui/`. */
  readonly part: string;
  readonly name: string;
  /** Goes there after `g`. */
  readonly key: string;
  readonly group: (typeof pageGroups)[number];
}

export const pageTable = [
  { part: '', name: 'Overview', key: 'o', group: 'Now' },
  { part: 'services', name: 'Services', key: 's', group: 'Now' },
  { part: 'nodes', name: 'Nodes', key: 'n', group: 'Now' },
  { part: 'config', name: 'Configuration', key: 'c', group: 'Configuration' },
  { part: 'flags', name: 'Flags', key: 'f', group: 'Configuration' },
  { part: 'locks', name: 'Locks', key: 'l', group: 'Configuration' },
  { part: 'keys', name: 'Keys', key: 'k', group: 'Configuration' },
  { part: 'topology', name: 'Topology', key: 't', group: 'Traffic' },
  { part: 'clients', name: 'Clients', key: 'i', group: 'Traffic' },
  { part: 'diff', name: 'Changes', key: 'd', group: 'Operation' },
  { part: 'activity', name: 'Activity', key: 'a', group: 'Operation' },
  { part: 'access', name: 'Access', key: 'p', group: 'Operation' },
  { part: 'cluster', name: 'Cluster', key: 'u', group: 'Operation' },
] as const satisfies readonly PageEntry[];

export type PagePart = (typeof pageTable)[number]['part'];
