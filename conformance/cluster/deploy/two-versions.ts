/**
 * Nodes of two versions on one etcd cluster: those of an older commit and those of this checkout, side by side. The only fault is a
 * rolling upgrade, or its way back: a node is stopped in order and started again with the other version.
 */

import type { Deployment, FaultKind } from '../deployment.ts';
import { buildOlder } from '../build-older.mjs';
import { ownProgram } from '../node-process.ts';
import { onEtcd } from './on-etcd.ts';

/**
 * @param folder of the logs of the nodes
 * @param older commit; the first node begins with this checkout, the others with that commit
 * @param olderProgram its `rollcall.mjs`; built from the commit when not given
 */
export async function twoVersions(folder: string, older: string, olderProgram: string = buildOlder(older)): Promise<Deployment> {
  const programs = { older: olderProgram, newer: ownProgram };
  const versions = new Map<string, keyof typeof programs>();
  const versionOf = (name: string) => versions.get(name) ?? (name === 'n1' ? 'newer' : 'older');
  const programOf = (name: string) => programs[versionOf(name)];
  const deployment = await onEtcd(folder, { programOf });
  const changed: FaultKind = {
    name: 'node changes its version',
    lastsMs: [0, 0],
    async begin(random) {
      const node = random.pick(deployment.nodes);
      if (node === undefined) throw new Error('there is no node');
      const version = versionOf(node.name) === 'newer' ? 'older' : 'newer';
      versions.set(node.name, version);
      await node.stop();
      return { what: `node ${node.name} continues with the ${version} version`, end: () => node.start() };
    },
  };
  return { ...deployment, name: `this version and ${older}`, faults: [changed] };
}
