/**
 * The JSON API of access control for the console and for scripts: tokens, policies, roles and auth methods. It checks permissions and forms, and hands the
 * rest to `security/`. It keeps nothing. Secrets are in the answer that creates a token, and in no other.
 */

import { isRegistryError, RegistryError, type Shaped } from '@rollcall/protocol';
import { inTurns } from '../../in-turns.ts';
import { readBody } from '../../net/body.ts';
import { errorBody } from '../../net/error-body.ts';
import type { Context, Frontend } from '../../net/frontend.ts';
import { parseBody } from '../../net/json-body.ts';
import { requestNamespace } from '../../net/request-namespace.ts';
import { routedFrontend, sendText, type RoutedCall } from '../../net/routed-frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import { ViewTags } from '../../net/view-tags.ts';
import { recordsOfType } from '../../registry/kind/record/find.ts';
import { recordsView } from '../../registry/kind/record/views.ts';
import type { RowOf } from '../../registry/kinds.ts';
import { refused } from '../../security/access-error.ts';
import type { Caller } from '../../security/acl.ts';
import { methodOf, policyOf, recordTypes, roleOf, tokenOf, type MethodConfig } from '../../security/records.ts';
import { assertRules } from '../../security/rule-text.ts';
import { canI, matrix, questionIn, who } from './questions.ts';
import { bodies, listMax, prefix, routes } from './routes.ts';
import { shownMethod, shownPolicy, shownRole, shownRule, shownToken } from './shown.ts';

const json = 'application/json';
const bodyBytesMax = 524_288;
/** Records of a list between two turns of the event loop: some microseconds each. */
const recordsPerTurn = 1_000;

/** One request, whose caller may make it. */
interface Asked {
  readonly caller: Caller;
  readonly namespace: string;
  readonly params: URLSearchParams;
  /** Of the form that the route describes. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What was done, for the audit log; its name is a text of the caller's. */
interface Done {
  readonly answer: object;
  readonly about: string;
}

type List = (asked: Asked) => Promise<object>;
type Write = (asked: Asked) => Promise<Done>;

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function access(context: Context): Frontend {
  const api = new AccessApi(context);
  return routedFrontend(context, {
    name: 'access',
    prefixes: [prefix],
    routes: routes.map((route) => ({ ...route, pattern: new RegExp(`^${route.path}$`), run: (call) => api.answer(call, route) })),
    sendError: (response, failure) => sendText(response, failure.status ?? statusByCode[failure.code], json, JSON.stringify(errorBody(context.security.acl, failure))),
  });
}

class AccessApi {
  readonly #context: Context;
  readonly #tags: ViewTags;

  constructor(context: Context) {
    this.#context = context;
    this.#tags = new ViewTags(context.registry.views, context.uuid().slice(0, 8));
  }

  readonly #lists: Readonly<Record<string, List>> = {
    tokens: (asked) => this.#list(asked, 'tokens', recordTypes.token, ({ accessorId, description, authMethod }) => [accessorId, description, authMethod], tokenOf, {
      order: (a, b) => b.createdAtMs - a.createdAtMs,
      shown: (token) => shownToken(this.#store, token, asked.caller.accessorId),
    }),
    policies: (asked) => this.#list(asked, 'policies', recordTypes.policy, ({ id, name, description }) => [id, name, description], policyOf, { order: byName, shown: shownPolicy }),
    roles: (asked) => this.#list(asked, 'roles', recordTypes.role, ({ id, name, description }) => [id, name, description], roleOf, { order: byName, shown: (role) => shownRole(this.#store, role) }),
    methods: (asked) => this.#list(asked, 'methods', recordTypes.method, ({ name, displayName, description }) => [name, displayName, description], methodOf, { order: byName, shown: (method) => shownMethod(this.#store, method) }),
  };

  /** They change nothing. */
  readonly #questions: Readonly<Record<string, (asked: Asked) => Promise<object> | object>> = {
    check: ({ namespace, body }) => ({ problem: problemOf((body as Shaped<typeof bodies.check>).rules, namespace) }),
    matrix: ({ caller, namespace, body }) => {
      const { accessorId, name = '' } = body as Shaped<typeof bodies.matrix>;
      return matrix(this.#context.security.acl, caller, { accessorId, namespace, name, now: this.#context.clock.now() });
    },
    'can-i': ({ caller, namespace, params }) => canI(this.#context.security.acl, caller, { namespace, accessorId: params.get('accessorId') ?? undefined, ...questionIn(params), now: this.#context.clock.now() }),
    who: ({ namespace, params }) => who(this.#context.security.acl, { namespace, ...questionIn(params), now: this.#context.clock.now() }),
  };

  readonly #writes: Readonly<Record<string, Write>> = {
    'POST tokens': async ({ namespace, body, caller }) => {
      const { policies, roles, serviceIdentities, ...rest } = body as Shaped<typeof bodies.newToken>;
      const { token, secret } = await this.#admin.createToken(namespace, { ...rest, ...grantsOf({ policies, serviceIdentities }), roles: named(roles) });
      return { answer: { token: shownToken(this.#store, token, caller.accessorId), secret }, about: `token ${token.accessorId} ${quoted(token.description)}` };
    },
    'PUT tokens': async ({ namespace, body, caller }) => {
      const { accessorId, description, policies, roles, serviceIdentities } = body as Shaped<typeof bodies.token>;
      const before = this.#store.token(namespace, accessorId);
      if (before === undefined) throw refused('missing', { what: 'token' });
      const token = await this.#admin.updateToken(namespace, accessorId, {
        ...{ local: before.local, description: description ?? before.description },
        ...{ nodeIdentities: before.nodeIdentities, templatedPolicies: before.templatedPolicies },
        policies: policies === undefined ? present(before.policies, (id) => this.#store.policy(namespace, id)) : named(policies),
        roles: roles === undefined ? present(before.roles, (id) => this.#store.role(namespace, id)) : named(roles),
        serviceIdentities: serviceIdentities === undefined ? before.serviceIdentities : identities(serviceIdentities),
      });
      return { answer: { token: shownToken(this.#store, token, caller.accessorId) }, about: `token ${accessorId} ${quoted(token.description)}` };
    },
    'DELETE tokens': async ({ namespace, params, caller }) => {
      const id = idIn(params, 'id');
      const about = `token ${id} ${quoted(this.#store.token(namespace, id)?.description ?? '')}`;
      await this.#admin.deleteToken(namespace, id, caller);
      return { answer: { deleted: true }, about };
    },
    'PUT policies': async ({ namespace, body }) => {
      const { id, ...input } = body as Shaped<typeof bodies.policy>;
      const policy = await this.#admin.putPolicy(namespace, { ...input, ...(id === undefined ? {} : { id, datacenters: this.#store.policy(namespace, id)?.datacenters ?? [] }) });
      return { answer: { policy: shownPolicy(policy) }, about: `policy ${quoted(policy.name)}` };
    },
    'DELETE policies': async ({ namespace, params }) => {
      const { name } = await this.#admin.deletePolicy(namespace, idIn(params, 'id'));
      return { answer: { deleted: true }, about: `policy ${quoted(name)}` };
    },
    'PUT roles': async ({ namespace, body }) => {
      const { id, name, description, policies, serviceIdentities } = body as Shaped<typeof bodies.role>;
      const before = id === undefined ? undefined : this.#store.role(namespace, id);
      const role = await this.#admin.putRole(namespace, {
        ...(id === undefined ? {} : { id }),
        ...{ name, description: description ?? before?.description ?? '' },
        ...{ nodeIdentities: before?.nodeIdentities ?? [], templatedPolicies: before?.templatedPolicies ?? [] },
        ...grantsOf({ policies, serviceIdentities }),
      });
      return { answer: { role: shownRole(this.#store, role) }, about: `role ${quoted(role.name)}` };
    },
    'DELETE roles': async ({ namespace, params }) => {
      const { name } = await this.#admin.deleteRole(namespace, idIn(params, 'id'));
      return { answer: { deleted: true }, about: `role ${quoted(name)}` };
    },
    'PUT methods': async ({ namespace, body }) => {
      const { config, ...input } = body as Shaped<typeof bodies.method>;
      const before = this.#store.method(namespace, input.name);
      const method = await this.#admin.putMethod(namespace, {
        ...{ displayName: before?.displayName ?? '', description: before?.description ?? '', tokenTtlMs: before?.tokenTtlMs ?? 0, locality: before?.locality ?? 'local' },
        ...(before?.namespaceRules === undefined ? {} : { namespaceRules: before.namespaceRules }),
        ...input,
        config: (config as MethodConfig | undefined) ?? before?.config ?? {},
      });
      return { answer: { method: shownMethod(this.#store, method) }, about: `auth method ${quoted(method.name)}` };
    },
    'DELETE methods': async ({ namespace, params }) => {
      const name = idIn(params, 'name');
      await this.#admin.deleteMethod(namespace, name);
      return { answer: { deleted: true }, about: `auth method ${quoted(name)}` };
    },
    'PUT rules': async ({ namespace, body }) => {
      const rule = await this.#admin.putBindingRule(namespace, body);
      return { answer: { rule: shownRule(rule) }, about: `binding rule of auth method ${quoted(rule.method)}` };
    },
    'DELETE rules': async ({ namespace, params }) => {
      const id = idIn(params, 'id');
      await this.#admin.deleteBindingRule(namespace, id);
      return { answer: { deleted: true }, about: `binding rule ${id}` };
    },
  };

  get #store() {
    return this.#context.security.acl.store;
  }

  get #admin() {
    return this.#context.security.admin;
  }

  async answer({ exchange, caller, origin }: RoutedCall, { path, access: { kind, ...needed }, operations }: (typeof routes)[number]): Promise<void> {
    const { request, response, query } = exchange;
    const { acl, gate } = this.#context.security;
    if (!acl.enabled) throw refused('disabled');
    const namespace = requestNamespace(caller, exchange);
    if (kind === 'demands') acl.authorize(caller, namespace, 'acl', (needed as { readonly verb: 'read' | 'write' }).verb);
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
    const what = path.slice(prefix.length + 1);
    const schema = operations[method]?.body?.schema;
    const body = schema === undefined ? {} : parseBody(await readBody(request, bodyBytesMax), schema);
    const asked: Asked = { caller, namespace, params: new URLSearchParams(query), body };
    const question = this.#questions[what];
    if (question !== undefined) {
      sendText(response, 200, json, JSON.stringify(await question(asked)));
      return;
    }
    if (method === 'GET') {
      const views = Object.values(recordTypes).map((type) => recordsView(namespace, type));
      const tag = this.#tags.tagOf(caller.authorizer, views);
      response.setHeader('ETag', tag);
      if (request.headers['if-none-match'] === tag) response.writeHead(304).end();
      else sendText(response, 200, json, JSON.stringify(await (this.#lists[what] as List)(asked)));
      return;
    }
    const { answer, about } = await (this.#writes[`${method} ${what}`] as Write)(asked);
    gate.record('write', caller, namespace, origin, `${method} ${path}: ${about}`);
    sendText(response, 200, json, JSON.stringify(answer));
  }

  async #list<T>(
    { namespace, params }: Asked,
    field: string,
    type: string,
    texts: (record: T) => readonly string[],
    of: (row: RowOf<'record'>) => T,
    { order, shown }: { readonly order: (a: T, b: T) => number; readonly shown: (record: T) => object },
  ): Promise<object> {
    const search = (params.get('search') ?? '').toLowerCase();
    const found: T[] = [];
    const { state } = this.#context.registry;
    await inTurns((function* () {
      for (const row of [...recordsOfType(state, namespace, type)]) {
        const record = of(row);
        if (search === '' || texts(record).some((text) => text.toLowerCase().includes(search))) found.push(record);
        yield;
      }
    })(), recordsPerTurn);
    return { [field]: found.sort(order).slice(0, listMax).map(shown), count: found.length };
  }
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

function named(names: readonly string[] = []): { readonly name: string }[] {
  return names.map((name) => ({ name }));
}

function identities(services: readonly string[] = []): { readonly service: string; readonly datacenters: readonly string[] }[] {
  return services.map((service) => ({ service, datacenters: [] }));
}

function grantsOf({ policies, serviceIdentities }: { readonly policies?: readonly string[] | undefined; readonly serviceIdentities?: readonly string[] | undefined }) {
  return { policies: named(policies), serviceIdentities: identities(serviceIdentities) };
}

/** Links to what was deleted meanwhile go away with the next change, as they grant nothing. */
function present(ids: readonly string[], find: (id: string) => unknown): { readonly id: string }[] {
  return ids.filter((id) => find(id) !== undefined).map((id) => ({ id }));
}

function problemOf(rules: string, namespace: string): string | null {
  try {
    assertRules(rules, namespace);
    return null;
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    return error.message;
  }
}

function idIn(params: URLSearchParams, name: string): string {
  const id = params.get(name) ?? '';
  if (id === '') throw new RegistryError('invalid_argument', `${name} is missing`);
  return id;
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}
