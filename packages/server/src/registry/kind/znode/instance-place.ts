/** Where znodes are instances, by their paths alone. Front ends ask this to find the service whose rights a request needs. */

import type { InstanceBases } from './commands.ts';

export interface InstancePlace {
  /** `curator`: the data says what the instance is; `dubbo`: the name does. */
  readonly by: 'curator' | 'dubbo';
  readonly service: string;
  /** Of the znode in its parent. */
  readonly name: string;
}

/** Undefined for a path at which no znode is an instance. */
export function placeOf(path: string, bases: InstanceBases | undefined): InstancePlace | undefined {
  const curator = below(path, bases?.curator);
  if (curator?.length === 2) return { by: 'curator', service: curator[0] as string, name: curator[1] as string };
  const dubbo = below(path, bases?.dubbo);
  if (dubbo?.length === 3 && dubbo[1] === 'providers') return { by: 'dubbo', service: interfaceIn(dubbo[0] as string), name: dubbo[2] as string };
  return undefined;
}

/** Dubbo encodes the name of an interface, such as `org.acme.Outer$Greeter` (`ZookeeperRegistry.toServicePath`). */
function interfaceIn(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The names of a path below a base. */
function below(path: string, base: string | undefined): readonly string[] | undefined {
  if (base === undefined || !path.startsWith(`${base}/`)) return undefined;
  return path.slice(base.length + 1).split('/');
}
