/**
 * ZooKeeper's own access control: the ACL of a znode, and what it allows to the ids that a client has proved. It exists beside the
 * rights of tokens, which front ends check. The rules are those of `PrepRequestProcessor.fixupACL` and `ZooKeeperServer.checkACL`.
 */

import { matchesNetwork, isNetwork } from './acl-network.ts';
import { perms, type Acl, type AclId } from './rows.ts';
import { shown, ZnodeError } from './znode-error.ts';

/** Most entries of one ACL. */
export const aclEntriesMax = 64;
const idLengthMax = 1_024;

/**
 * The ACL to keep: without repeated entries, with the ids of the client in place of `auth`.
 * @param ids of the client
 * @throws ZnodeError `invalid-acl` for an empty one, an unknown scheme, a malformed id, and `auth` of a client without a `digest`
 */
export function resolvedAcl(path: string, given: readonly Acl[], ids: readonly AclId[]): readonly Acl[] {
  const resolved: Acl[] = [];
  for (const entry of given) {
    if (entry.scheme === 'auth') {
      const own = ids.filter(({ scheme }) => scheme === 'digest');
      if (own.length === 0) throw invalid(path, 'the client has not authenticated, so "auth" names no id');
      for (const { scheme, id } of own) add(resolved, { perms: entry.perms, scheme, id });
    } else {
      const fault = faultOf(entry);
      if (fault !== undefined) throw invalid(path, fault);
      add(resolved, { perms: entry.perms, scheme: entry.scheme, id: entry.id });
    }
  }
  if (resolved.length === 0) throw invalid(path, 'it has no entries');
  if (resolved.length > aclEntriesMax) throw invalid(path, `it has ${resolved.length} entries, the limit is ${aclEntriesMax}`);
  return resolved;
}

function add(list: Acl[], entry: Acl): void {
  if (!list.some(({ perms: bits, scheme, id }) => bits === entry.perms && scheme === entry.scheme && id === entry.id)) list.push(entry);
}

function faultOf({ scheme, id }: Acl): string | undefined {
  if (id.length > idLengthMax) return `the id of an entry has ${id.length} characters, the limit is ${idLengthMax}`;
  switch (scheme) {
    case 'world':
      return id === 'anyone' ? undefined : `the id of "world" is ${shown(id)}, it must be "anyone"`;
    case 'digest':
      return id.split(':').length === 2 ? undefined : 'the id of "digest" must be USER:HASH';
    case 'ip':
      return isNetwork(id) ? undefined : `the id of "ip" is ${shown(id)}, it must be an address or ADDRESS/BITS`;
    default:
      return `unknown scheme ${shown(scheme)}: use world, auth, digest or ip`;
  }
}

function invalid(path: string, fault: string): ZnodeError {
  return new ZnodeError('invalid-acl', `the ACL for ${shown(path)} is not valid: ${fault}`);
}

export function isOpen([first, ...rest]: readonly Acl[]): boolean {
  return rest.length === 0 && first?.perms === perms.all && first.scheme === 'world';
}

/** Whether an ACL allows something. @param bits one of `perms` @param ids of the client */
export function aclAllows(acl: readonly Acl[], bits: number, ids: readonly AclId[]): boolean {
  if (ids.some(({ scheme }) => scheme === 'super')) return true;
  return acl.some((entry) => (entry.perms & bits) !== 0 && (entry.scheme === 'world' || ids.some((own) => matches(entry, own))));
}

function matches({ scheme, id }: Acl, own: AclId): boolean {
  if (scheme !== own.scheme) return false;
  return scheme === 'ip' ? matchesNetwork(own.id, id) : id === own.id;
}
