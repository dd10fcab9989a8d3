/** The answers of `/rollcall/v1/access`: records of access control without their secrets, and questions about rights. */

import { object, type Schema, type Shaped } from '../schema.ts';
import { count, text, time, yes } from './values.ts';

const many = <S extends Schema>(items: S) => ({ type: 'array', items, maxItems: 1_000 }) as const;
const link = object({ id: text, name: { ...text, description: 'Empty for one that was deleted' } });
const others = { ...count, description: 'Node identities and templated policies' } as const;

const token = object({
  accessorId: text,
  description: text,
  policies: many(link),
  roles: many(link),
  serviceIdentities: many(text),
  others,
  method: { ...text, description: 'The auth method whose login created it; empty for other tokens' },
  createdAtMs: time,
  expiresAtMs: { anyOf: [time, { type: 'null' }] },
  isOwn: { ...yes, description: 'It is that of the caller' },
  isBuiltIn: yes,
});
const policy = object({ id: text, name: text, description: text, rules: text, isBuiltIn: yes });
const role = object({ id: text, name: text, description: text, policies: many(link), serviceIdentities: many(text), others });
const rule = object({ id: text, method: text, description: text, selector: text, bindType: text, bindName: text, bindVariable: text });
const method = object({
  ...{ name: text, type: text, displayName: text, description: text, tokenTtlMs: count },
  config: { type: 'object', additionalProperties: {}, description: 'Without secrets' },
  hasSecret: yes,
  rules: many(rule),
});

const listOf = <const F extends string, S extends Schema>(field: F, items: S) =>
  object({ [field]: { type: 'array', items }, count: { ...count, description: 'Of all that match' } } as { readonly [K in F]: { readonly type: 'array'; readonly items: S } } & { readonly count: typeof count });

export const tokenSchema = object({ token });
export const newTokenSchema = object({ token, secret: { ...text, description: 'Shown here, and never again' } });
export const tokenListSchema = listOf('tokens', token);
export const policySchema = object({ policy });
export const policyListSchema = listOf('policies', policy);
export const rulesProblemSchema = object({ problem: { anyOf: [text, { type: 'null' }] } });
export const roleSchema = object({ role });
export const roleListSchema = listOf('roles', role);
export const authMethodSchema = object({ method });
export const authMethodListSchema = listOf('methods', method);
export const bindingRuleSchema = object({ rule });
export const deletedSchema = object({ deleted: yes });

/** Which rule of a token decides. */
export const decidingRuleSchema = object({
  source: { ...text, description: 'What gave the rule to the token: `policy readers`, `policy readers of role operators`, `service identity web`, `default policy`' },
  text: { ...text, description: 'In the language of policies, on one line; allow or deny of the default policy' },
});

export const grantorsSchema = object(
  { tokens: many(text), policies: many(text) },
  'Tokens that may grant it, by description, and policies that would allow it, five of each; for callers with a token',
);

/** Why a caller may not do something. */
export const denialSchema = object({
  'subject': { ...text, description: 'The description of the caller\'s token, or its public id' },
  'namespace': text,
  'resource': text,
  'verb': text,
  'name': text,
  'rule': decidingRuleSchema,
  'grantors?': grantorsSchema,
});

const cell = object({ resource: text, verb: text, allowed: yes, rule: decidingRuleSchema });

export const rightsMatrixSchema = object({ subject: text, cells: many(cell) });

export const canISchema = object({ 'subject': text, 'namespace': text, 'resource': text, 'verb': text, 'name': text, 'allowed': yes, 'rule': decidingRuleSchema, 'grantors?': grantorsSchema });

export const whoMaySchema = object({
  tokens: many(object({ accessorId: text, description: text, rule: decidingRuleSchema })),
  count: { ...count, description: 'Of all that may' },
  policies: many(object({ name: text, text })),
});

/** A policy or a role beside its id. */
export type AccessLink = Shaped<typeof link>;
export type ShownToken = Shaped<typeof token>;
export type NewToken = Shaped<typeof newTokenSchema>;
export type ShownPolicy = Shaped<typeof policy>;
export type RulesProblem = Shaped<typeof rulesProblemSchema>;
export type ShownRole = Shaped<typeof role>;
export type ShownBindingRule = Shaped<typeof rule>;
export type ShownAuthMethod = Shaped<typeof method>;
export type TokenList = Shaped<typeof tokenListSchema>;
export type PolicyList = Shaped<typeof policyListSchema>;
export type RoleList = Shaped<typeof roleListSchema>;
export type AuthMethodList = Shaped<typeof authMethodListSchema>;
export type DecidingRule = Shaped<typeof decidingRuleSchema>;
/** Who can grant a right. */
export type Grantors = Shaped<typeof grantorsSchema>;
export type ExplainedDenial = Shaped<typeof denialSchema>;
/** One right of a token. */
export type RightsCell = Shaped<typeof cell>;
/** What a token may do with a name. */
export type RightsMatrix = Shaped<typeof rightsMatrixSchema>;
/** Whether a token may do one thing. */
export type CanI = Shaped<typeof canISchema>;
/** Which tokens may do one thing. */
export type WhoMay = Shaped<typeof whoMaySchema>;
