/**
 * What a client may do with a path: the rights of its token on the znode, and on the service and the node of one that is an instance; and the ACL of
 * the znode.
 */

import { errorCodes } from '../../jute/codes.ts';
import { aclAllows } from '../../registry/kind/znode/acl.ts';
import { placeOf } from '../../registry/kind/znode/instance-place.ts';
import { findZnode } from '../../registry/kind/znode/find.ts';
import { openAcl, perms, type Acl } from '../../registry/kind/znode/rows.ts';
import { shown } from '../../registry/kind/znode/znode-error.ts';
import { ZookeeperError } from './errors.ts';
import { basesOf } from './options.ts';
import type { Call } from './requests/request.ts';
import type { SessionClient } from './session-client.ts';
import { markIn } from './virtual/shown-providers.ts';
import { nodeIn } from './virtual/shown-instances.ts';

type Shared = Pick<Call, 'options' | 'tree' | 'context'>;

/** @throws RegistryError `permission_denied` */
export function requireRight(call: Call, verb: 'read' | 'write', path: string): void {
  const { context, options, client } = call;
  const { acl } = context.security;
  if (!acl.enabled) return;
  acl.authorize(client.caller, options.namespace, 'znode', verb, path);
  const { services = [], node } = shownThere(call, verb, path);
  for (const service of services) acl.authorize(client.caller, options.namespace, 'service', verb, service);
  if (node !== undefined) acl.authorize(client.caller, options.namespace, 'node', 'read', node);
}

/** Whether the token of a client allows to read a path. */
export function mayReadPath(call: Shared, { caller: { authorizer } }: SessionClient, path: string): boolean {
  if (!call.context.security.acl.enabled) return true;
  const { namespace } = call.options;
  if (!authorizer.allows(namespace, 'znode', 'read', path)) return false;
  const { services = [], node } = shownThere(call, 'read', path);
  if (!services.every((service) => authorizer.allows(namespace, 'service', 'read', service))) return false;
  return node === undefined || authorizer.allows(namespace, 'node', 'read', node);
}

/** Whether a client may see a znode: events of one that it may not see are kept from it. */
export function maySee(call: Shared, client: SessionClient, path: string, acl: readonly Acl[]): boolean {
  return (acl === openAcl || aclAllows(acl, perms.read, client.ids)) && mayReadPath(call, client, path);
}

/** @param bits any of these is enough @throws ZookeeperError */
export function requireAcl(client: SessionClient, acl: readonly Acl[], bits: number, path: string): void {
  if (acl === openAcl || aclAllows(acl, bits, client.ids)) return;
  throw new ZookeeperError(errorCodes.noAuth, 'permission_denied', `the ACL of znode ${shown(path)} does not allow it`);
}

interface ShownThere {
  readonly services?: readonly string[];
  readonly node?: string;
}

/** The services whose instance a path is, or whose instances are listed there; and the node of an instance that another protocol registered. */
function shownThere({ options, tree, context }: Shared, verb: 'read' | 'write', path: string): ShownThere {
  const instance = placeOf(path, basesOf(options));
  if (instance?.by === 'dubbo') {
    // The service of such an instance has another name than the interface.
    const mark = verb === 'read' && findZnode(context.registry.state, options.namespace, path) === undefined ? markIn(instance.name) : undefined;
    return { services: [instance.service, ...(mark === undefined ? [] : [mark.service])], ...(mark === undefined || mark.node === '' ? {} : { node: mark.node }) };
  }
  const place = tree.virtual.place(path);
  if (place === undefined || place.kind === 'base') return instance === undefined ? {} : { services: [instance.service] };
  // The node of a service is a znode like others for those who create or delete it.
  if (place.kind === 'service' || place.kind === 'providers') return verb === 'read' && place.kind === 'service' ? { services: [place.service] } : {};
  const node = nodeIn(place.name);
  return { services: [place.service], ...(node !== '' && tree.isVirtual(path) ? { node } : {}) };
}
