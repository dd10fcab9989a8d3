/** `/v1/acl/auth-method` and `/v1/acl/binding-rule`: trusted issuers of logins, and the grants of a login. */

import { bindingRuleOf, methodOf, recordTypes } from '../../../security/records.ts';
import type { AuthMethod, BindingRule, MethodConfig } from '../../../security/records.ts';
import { decodeBody } from '../request/body.ts';
import { endpoint } from '../request/endpoint.ts';
import { type Asked, jsonBody, type Query, restOf } from '../request/query.ts';
import { placed, scopeIn } from '../request/scope.ts';
import { invalid } from '../wire/errors.ts';
import { nsPerMs } from '../wire/go-duration.ts';
import { unescapePath } from '../wire/params.ts';
import { bindingRuleJson, methodJson, methodStubJson } from './acl-json.ts';
import { bindingRuleBody, methodBody } from './definitions.ts';
import { checkSame } from './policies.ts';
import { idOf, nothingToDelete, oneRecord, recordList, toWrite, withId, withName } from './records.ts';

const methods = { type: recordTypes.method, of: methodOf } as const;
const rules = { type: recordTypes.bindingRule, of: bindingRuleOf } as const;

/** `GET /v1/acl/auth-methods` */
export function listMethods(asked: Asked): Query {
  const all = { name: '', wanted: () => true, key: ({ name }: AuthMethod) => name };
  return recordList(asked, methods, all, (_state, method) => methodStubJson(method));
}

/** `GET /v1/acl/auth-method/:name` */
export function readMethod(asked: Asked): Query {
  const name = restOf(asked, 'auth method name');
  return oneRecord(asked, methods, withName(name, 'auth method'), (_state, method) => methodJson(method));
}

/** `PUT /v1/acl/auth-method` and `PUT /v1/acl/auth-method/:name` */
export const putMethod = endpoint({
  decode: async (incoming) => {
    const name = unescapePath(incoming.rest);
    const fields = await decodeBody(incoming, methodBody, 'AuthMethod decoding failed');
    if (name !== '' && fields.Name && fields.Name !== name) {
      throw invalid('AuthMethod Name in URL and payload do not match');
    }
    const { Config, Type, DisplayName = '', Description = '', MaxTokenTTL = 0, TokenLocality = '' } = fields;
    if (Config !== undefined && (typeof Config !== 'object' || Config === null || Array.isArray(Config))) {
      throw invalid('AuthMethod decoding failed: Config takes an object');
    }
    const input = {
      name: name || (fields.Name ?? ''),
      ...(Type === undefined ? {} : { type: Type }),
      displayName: DisplayName,
      description: Description,
      tokenTtlMs: MaxTokenTTL / nsPerMs,
      locality: TokenLocality,
      namespaceRules: (fields.NamespaceRules ?? []).map(({ Selector: selector = '', BindNamespace = '' }) => ({ selector, bindNamespace: BindNamespace })),
      ...(Config === undefined ? {} : { config: Config as MethodConfig }),
    };
    return { scope: scopeIn(incoming, fields.Namespace), input };
  },
  permissions: toWrite,
  answer: async ({ scope, input }, { context, params }) => {
    const written = await context.security.admin.putMethod(scope.namespace, input);
    return jsonBody(params)(placed(scope, written, methodJson(written)));
  },
});

/** `DELETE /v1/acl/auth-method/:name`: also deletes its binding rules and the tokens of its logins. */
export const deleteMethod = endpoint({
  decode: (incoming) => restOf(incoming, 'auth method name'),
  answer: async (name, { context: { security }, namespace, params }) => {
    if (security.acl.store.method(namespace, name) === undefined) throw nothingToDelete('auth method');
    await security.admin.deleteMethod(namespace, name);
    return jsonBody(params)(true);
  },
});

/** `GET /v1/acl/binding-rules?authmethod=` */
export function listBindingRules(asked: Asked): Query {
  const method = asked.params.get('authmethod');
  const wanted = (rule: BindingRule) => method === '' || rule.method === method;
  const choice = { name: JSON.stringify(method), wanted, key: ({ id }: BindingRule) => id };
  return recordList(asked, rules, choice, (_state, rule) => bindingRuleJson(rule));
}

/** `GET /v1/acl/binding-rule/:id` */
export function readBindingRule(asked: Asked): Query {
  const id = idOf(asked, 'binding rule ID');
  return oneRecord(asked, rules, withId(id, 'binding rule'), (_state, rule) => bindingRuleJson(rule));
}

/** `PUT /v1/acl/binding-rule` and `PUT /v1/acl/binding-rule/:id` */
export const putBindingRule = endpoint({
  decode: async (incoming) => {
    const id = unescapePath(incoming.rest);
    const fields = await decodeBody(incoming, bindingRuleBody, 'BindingRule decoding failed');
    checkSame('BindingRule', id, fields.ID);
    const { AuthMethod: method = '', Description = '', Selector = '' } = fields;
    const { BindType = '', BindName = '', BindVars = {} } = fields;
    const input = {
      ...(id === '' ? {} : { id }),
      method,
      description: Description,
      selector: Selector,
      bindType: BindType,
      bindName: BindName,
      bindVariable: BindVars.Name ?? '',
    };
    return { scope: scopeIn(incoming, fields.Namespace), input };
  },
  permissions: toWrite,
  answer: async ({ scope, input }, { context, params }) => {
    const written = await context.security.admin.putBindingRule(scope.namespace, input);
    return jsonBody(params)(placed(scope, written, bindingRuleJson(written)));
  },
});

/** `DELETE /v1/acl/binding-rule/:id` */
export const deleteBindingRule = endpoint({
  decode: (incoming) => restOf(incoming, 'binding rule ID'),
  answer: async (id, { context: { security }, namespace, params }) => {
    if (security.acl.store.bindingRule(namespace, id) === undefined) throw nothingToDelete('binding rule');
    await security.admin.deleteBindingRule(namespace, id);
    return jsonBody(params)(true);
  },
});
