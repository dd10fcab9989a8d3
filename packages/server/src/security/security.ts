/**
 * The access control that front ends receive. While access control is off, the same parts exist and allow
 * every caller everything.
 */

import type { Clock } from '../clock.ts';
import type { Resolve } from '../outbound/address-policy.ts';
import { fetchFrom } from '../outbound/fetch.ts';
import type { Registry } from '../registry/registry.ts';
import { Acl, type AclConfig } from './acl.ts';
import { AclAdmin } from './admin.ts';
import type { AuditTrail } from './audit.ts';
import type { Denial } from './reasons.ts';
import { FailureLimiter } from './failure-limiter.ts';
import { fetchTextFrom } from './fetch-text.ts';
import { Gate } from './gate.ts';
import { Login } from './login.ts';
import { OidcLogin } from './oidc.ts';

export interface Security {
  readonly gate: Gate;
  readonly acl: Acl;
  readonly admin: AclAdmin;
  readonly login: Login;
  readonly oidc: OidcLogin;
}

export interface SecurityOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly config: AclConfig;
  /** Resolves the host names in the URLs of auth methods. */
  readonly resolve: Resolve;
  readonly audit?: AuditTrail | undefined;
  /** As `Limits.failuresPerAddressMax`. */
  readonly failuresPerAddressMax?: number;
  readonly onDenied?: (denial: Denial) => void;
  /** Called when the removal of expired tokens fails; the server refuses expired tokens in any case. */
  readonly onError: (error: unknown) => void;
  readonly uuid: () => string;
}

export function makeSecurity({ registry, clock, config, resolve, audit, failuresPerAddressMax, onDenied, onError, uuid }: SecurityOptions): Security {
  const acl: Acl = new Acl({
    ...{ registry, clock, config },
    ...(onDenied === undefined ? {} : { onDenied }),
    onExpired: (accessorIds) => void admin.removeExpired(accessorIds).catch(onError),
  });
  const admin = new AclAdmin({ acl, registry, clock, uuid });
  const login = new Login({ acl, admin, clock, datacenter: config.datacenter, fetchText: fetchTextFrom(resolve) });
  const oidc = new OidcLogin({ acl, clock, login, fetchText: fetchTextFrom(resolve), fetchWith: fetchFrom(resolve) });
  const limiter = new FailureLimiter(failuresPerAddressMax === undefined ? {} : { burst: failuresPerAddressMax });
  const gate = new Gate({ acl, limiter, clock, audit });
  return { gate, acl, admin, login, oidc };
}
