/** The part of Consul's ACL API that the `acl` commands use, with its JSON (https://developer.hashicorp.com/consul/api-docs/acl). */

import { askJson, type Target } from './admin-call.ts';

export interface AclLink {
  readonly ID: string;
  readonly Name: string;
}

export interface AclToken {
  readonly AccessorID: string;
  /** Returned only by the call that creates the token. */
  readonly SecretID: string;
  readonly Description: string;
  readonly Policies?: readonly AclLink[];
  readonly Roles?: readonly AclLink[];
  readonly ServiceIdentities?: readonly { readonly ServiceName: string; readonly Datacenters?: readonly string[] }[];
  readonly NodeIdentities?: readonly { readonly NodeName: string; readonly Datacenter: string }[];
  readonly CreateTime: string;
  readonly ExpirationTime?: string;
}

/** The fields of a new token. */
export interface AclTokenBody {
  readonly Description?: string | undefined;
  readonly Policies?: readonly { readonly Name: string }[];
  readonly Roles?: readonly { readonly Name: string }[];
  readonly ServiceIdentities?: readonly { readonly ServiceName: string; readonly Datacenters?: readonly string[] }[];
  readonly NodeIdentities?: readonly { readonly NodeName: string; readonly Datacenter: string }[];
  readonly ExpirationTTL?: string | undefined;
}

export interface AclPolicy extends AclLink {
  readonly Description: string;
  readonly Rules: string;
}

export interface AclPolicyBody {
  readonly ID?: string;
  readonly Name: string;
  readonly Description?: string | undefined;
  readonly Rules: string;
}

/** Each throws the same CommandFailure as `adminCall`. */
export class AclApi {
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  bootstrap(): Promise<AclToken> {
    return askJson(this.#target, '/v1/acl/bootstrap', { method: 'PUT', body: '' });
  }

  tokens(): Promise<AclToken[]> {
    return askJson(this.#target, '/v1/acl/tokens');
  }

  token(accessorId: string): Promise<AclToken> {
    return askJson(this.#target, `/v1/acl/token/${encodeURIComponent(accessorId)}`);
  }

  createToken(token: AclTokenBody): Promise<AclToken> {
    return askJson(this.#target, '/v1/acl/token', { method: 'PUT', body: JSON.stringify(token) });
  }

  deleteToken(accessorId: string): Promise<boolean> {
    return askJson(this.#target, `/v1/acl/token/${encodeURIComponent(accessorId)}`, { method: 'DELETE' });
  }

  policies(): Promise<AclPolicy[]> {
    return askJson(this.#target, '/v1/acl/policies');
  }

  policy(name: string): Promise<AclPolicy> {
    return askJson(this.#target, `/v1/acl/policy/name/${encodeURIComponent(name)}`);
  }

  putPolicy(policy: AclPolicyBody): Promise<AclPolicy> {
    const path = policy.ID === undefined ? '/v1/acl/policy' : `/v1/acl/policy/${policy.ID}`;
    return askJson(this.#target, path, { method: 'PUT', body: JSON.stringify(policy) });
  }

  deletePolicy(id: string): Promise<boolean> {
    return askJson(this.#target, `/v1/acl/policy/${id}`, { method: 'DELETE' });
  }
}
