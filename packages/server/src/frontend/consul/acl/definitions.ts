/** The shapes of request bodies under `/v1/acl/` (`api/acl.go`, MPL-2.0), and their conversion to inputs of `AclAdmin`. */

import type { GrantsInput, Link } from '../../../security/grants.ts';
import type { TokenInput } from '../../../security/token-writes.ts';
import { type Decoded, schema } from '../wire/decode.ts';
import { invalid, quoted } from '../wire/errors.ts';
import { nsPerMs } from '../wire/go-duration.ts';
import { hiddenSecret } from './acl-json.ts';

/** Fields of answers that clients send back; they have no effect. */
const shown = { Hash: 'json', CreateIndex: 'json', ModifyIndex: 'json' } as const;

const link = schema({ ID: 'string', Name: 'string' });

const grants = {
  Policies: { list: link },
  ServiceIdentities: { list: schema({ ServiceName: 'string', Datacenters: 'strings' }) },
  NodeIdentities: { list: schema({ NodeName: 'string', Datacenter: 'string' }) },
  TemplatedPolicies: {
    list: schema({
      TemplateID: 'string',
      TemplateName: 'string',
      TemplateVariables: { object: schema({ Name: 'string' }) },
      Datacenters: 'strings',
    }),
  },
} as const;

export const tokenBody = schema({
  Namespace: 'string',
  ...grants,
  ...shown,
  AccessorID: 'string',
  SecretID: 'string',
  Description: 'string',
  Roles: { list: link },
  Local: 'bool',
  AuthMethod: 'string',
  AuthMethodNamespace: 'string',
  ExpirationTime: 'string',
  ExpirationTTL: 'duration',
  CreateTime: 'json',
});

export const cloneBody = schema({ Description: 'string', ...shown }, {}, 'ignored');

export const policyBody = schema({
  Namespace: 'string',
  ...shown,
  ID: 'string',
  Name: 'string',
  Description: 'string',
  Rules: 'string',
  Datacenters: 'strings',
});

export const roleBody = schema({
  ...{ ...grants, ...shown },
  ...{ Namespace: 'string', ID: 'string', Name: 'string', Description: 'string' },
});

export const methodBody = schema({
  Namespace: 'string',
  ...shown,
  Name: 'string',
  Type: 'string',
  DisplayName: 'string',
  Description: 'string',
  MaxTokenTTL: 'duration',
  TokenLocality: 'string',
  Config: 'json',
  NamespaceRules: { list: schema({ Selector: 'string', BindNamespace: 'string' }) },
});

export const bindingRuleBody = schema({
  Namespace: 'string',
  ...shown,
  ID: 'string',
  Description: 'string',
  AuthMethod: 'string',
  Selector: 'string',
  BindType: 'string',
  BindName: 'string',
  BindVars: { object: schema({ Name: 'string' }) },
});

export const loginBody = schema({ AuthMethod: 'string', BearerToken: 'string', Meta: 'string map' });

export const bootstrapBody = schema({ BootstrapSecret: 'string' });

export const authorizeBody = schema({ Resource: 'string', Access: 'string', Segment: 'string' });

export const agentTokenBody = schema({ Token: 'string' });

type GrantsFields = Decoded<typeof grants>;

export function grantsInput(fields: GrantsFields): GrantsInput {
  return {
    policies: linksOf(fields.Policies),
    serviceIdentities: (fields.ServiceIdentities ?? []).map(({ ServiceName = '', Datacenters = [] }) => {
      return { service: ServiceName, datacenters: Datacenters };
    }),
    nodeIdentities: (fields.NodeIdentities ?? []).map(({ NodeName = '', Datacenter = '' }) => {
      return { node: NodeName, datacenter: Datacenter };
    }),
    templatedPolicies: (fields.TemplatedPolicies ?? []).map((one) => {
      const { TemplateName = '', TemplateVariables = {}, Datacenters = [] } = one;
      return { template: TemplateName, name: TemplateVariables.Name ?? '', datacenters: Datacenters };
    }),
  };
}

function linksOf(list: readonly { readonly ID?: string; readonly Name?: string }[] = []): Link[] {
  return list.map(({ ID = '', Name = '' }) => ({ id: ID, name: Name }));
}

/** @throws RegistryError `invalid_argument` for an invalid time */
export function tokenInput(fields: Decoded<(typeof tokenBody)['fields']>): TokenInput {
  const { AccessorID, SecretID, Description = '', Local = false, ExpirationTime = '', ExpirationTTL = 0 } = fields;
  return {
    ...grantsInput(fields),
    roles: linksOf(fields.Roles),
    description: Description,
    local: Local,
    ...(AccessorID ? { accessorId: AccessorID } : {}),
    // A client that reads a token and sends it back has not changed its secret.
    ...(SecretID && SecretID !== hiddenSecret ? { secret: SecretID } : {}),
    ...(ExpirationTime === '' ? {} : { expiresAtMs: timeOf(ExpirationTime) }),
    ...(ExpirationTTL === 0 ? {} : { ttlMs: ExpirationTTL / nsPerMs }),
  };
}

/** RFC 3339. @returns milliseconds since the Unix epoch; 0 for Go's zero time */
function timeOf(text: string): number {
  const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
  const time = form.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return Math.max(0, time);
  throw invalid(`Token decoding failed: parsing time ${quoted(text)}: it is not a time of RFC 3339`);
}
