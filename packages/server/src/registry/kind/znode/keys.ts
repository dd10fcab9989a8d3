/** Record keys and buckets of znodes, and the parts of their paths. */

export const znodeKey = (namespace: string, path: string) => `znode\0${namespace}\0${path}`;
export const childrenKey = (namespace: string, path: string) => `znode-children\0${namespace}\0${path}`;
export const aclKey = (namespace: string, path: string) => `znode-acl\0${namespace}\0${path}`;

export const znodeBuckets = {
  /** The children of a znode; without built-in ones. */
  childrenOf: (namespace: string, parent: string) => `znodes-in\0${namespace}\0${parent}`,
  /** Containers and znodes with a TTL, of every namespace. */
  reaped: () => 'znodes-reaped',
} as const;

/** The parent of a path with a slash; `/` for that of `/` itself. */
export function parentOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end <= 0 ? '/' : path.slice(0, end);
}

/** The last name of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The path of a child. */
export function childOf(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`;
}
