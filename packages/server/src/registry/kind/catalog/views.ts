/**
 * Names of the catalog's views.
 *
 * | view | content | its revision is |
 * |---|---|---|
 * | `services <namespace>` | service names with their tags | its marker's |
 * | `service <namespace> <name>` | instances with their nodes and checks | that of its newest row or its marker |
 * | `service-record <namespace> <name>` | the record of the service | that of its row or its marker |
 * | `service-records <namespace>` | the same of all services | that of its newest row or its marker |
 * | `nodes` | all nodes | that of its newest row or its marker |
 * | `node <namespace> <name>` | a node, its own checks, and its instances in the namespace with their checks | that of its newest row or its marker |
 * | `node '' <name>` | the part that all views of a node share: the node and its own checks | that of its newest row or its marker |
 * | `checks <namespace>` | all checks, with the service and tags of their instances | that of its newest row or its marker |
 * | `catalog` | all nodes, instances and checks of every namespace | the newest of those above |
 */

export const servicesView = (namespace: string) => `services\0${namespace}`;
export const serviceView = (namespace: string, name: string) => `service\0${namespace}\0${name}`;
export const serviceRecordView = (namespace: string, name: string) => `service-record\0${namespace}\0${name}`;
export const serviceRecordsView = (namespace: string) => `service-records\0${namespace}`;
export const nodesView = () => 'nodes';
/** The part that every `node` view of a node shows. Not watched by itself. */
export const sharedNodeView = (name: string) => `node\0\0${name}`;
export const nodeView = (namespace: string, name: string) => `node\0${namespace}\0${name}`;
export const checksView = (namespace: string) => `checks\0${namespace}`;
export const catalogView = () => 'catalog';

/** Whether a view is the part that all views of one node share. */
export function isSharedNode(view: string): boolean {
  return view.startsWith(sharedNodePrefix);
}

const sharedNodePrefix = sharedNodeView('');
