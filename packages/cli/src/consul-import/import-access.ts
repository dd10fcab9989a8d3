/**
 * Copies access control: policies and roles by name, tokens with their ids and secrets, auth methods and
 * binding rules. Entries with the same name or id are replaced by those of the source.
 */

import { Refusal, encoded, pick, type Fields } from '../import/http-api.ts';
import type { ConsulApi, ConsulRun, Kind } from './consul-api.ts';
import { Unwanted } from '../import/run.ts';

interface Named extends Fields {
  readonly ID: string;
  readonly Name: string;
}

interface Token extends Fields {
  readonly AccessorID: string;
  readonly SecretID?: string;
  readonly AuthMethod?: string;
}

/** Ids that every server has: `global-management`, `builtin/global-read-only`. */
const builtIn = /^00000000-0000-0000-0000-0000000000\d\d$/;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const identities = ['ServiceIdentities', 'NodeIdentities', 'TemplatedPolicies'];

export async function importAccess(run: ConsulRun): Promise<void> {
  const failed = (reason: string) => void run.report.failed.push({ kind: 'access control', reason });
  const there = await listable(run.from);
  if (there !== undefined) {
    // Without access control the source has none of these.
    if (there.status === 401) run.report.skipped.push({ kind: 'access control', reason: 'it is off at the source' });
    else failed(`${run.from.url}: ${there.message}`);
    return;
  }
  const here = await listable(run.to);
  if (here !== undefined) return failed(`${run.to.url}: ${here.message}`);
  await importNamed(run, 'policies', 'policy', ['Name', 'Description', 'Rules', 'Datacenters']);
  await importNamed(run, 'roles', 'role', ['Name', 'Description', 'Policies', ...identities]);
  await importAuthMethods(run);
  await importBindingRules(run);
  await importTokens(run);
}

/** The reason why policies cannot be listed; undefined when they can. */
async function listable(api: ConsulApi): Promise<Refusal | undefined> {
  try {
    await api.get('/v1/acl/policies');
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

async function importNamed(run: ConsulRun, kind: Kind, path: string, fields: readonly string[]): Promise<void> {
  const list = `/v1/acl/${kind}`;
  const there = new Map((await run.to.get<Named[]>(list)).map(({ ID, Name }) => [Name, ID]));
  for (const { ID, Name } of await run.from.get<Named[]>(list)) {
    if (builtIn.test(ID)) continue;
    await run.copy(kind, Name, async () => {
      const whole = await run.from.get<Fields>(`/v1/acl/${path}/${ID}`);
      const id = there.get(Name);
      await run.write('PUT', `/v1/acl/${path}${id === undefined ? '' : `/${id}`}`, linked(pick(whole, fields)));
    });
  }
}

/** Policies and roles get new ids here and keep their names. */
function linked(fields: Fields): Fields {
  const byName = (links: unknown) => (links as Named[]).map(({ Name }) => ({ Name }));
  const { Policies, Roles, ...rest } = fields;
  return {
    ...rest,
    ...(Policies === undefined ? {} : { Policies: byName(Policies) }),
    ...(Roles === undefined ? {} : { Roles: byName(Roles) }),
  };
}

async function importTokens(run: ConsulRun): Promise<void> {
  for (const { AccessorID, AuthMethod } of await run.from.get<Token[]>('/v1/acl/tokens')) {
    if ((AuthMethod ?? '') !== '') {
      run.skip('tokens', AccessorID, `it comes from a login by ${AuthMethod}: its holder logs in again`);
      continue;
    }
    await run.copy('tokens', AccessorID, () => importToken(run, AccessorID));
  }
}

async function importToken(run: ConsulRun, accessor: string): Promise<void> {
  const path = `/v1/acl/token/${accessor}`;
  const token = await run.from.get<Token>(path);
  const known = (await run.to.find<Token>(path).catch(absent)) !== undefined;
  const { SecretID: secret = '<hidden>' } = token;
  if (!known && secret === '<hidden>') {
    throw new Refusal(403, 'its secret is not shown: Consul shows it to tokens with acl:write, Rollcall keeps none that could be shown');
  }
  if (!known && !uuid.test(secret)) {
    throw new Unwanted('its secret is no UUID, and so comes from a configuration file: have it in one here, too');
  }
  const fields = pick(token, ['Description', 'Policies', 'Roles', 'Local', ...identities]);
  // An existing token keeps its secret.
  const own = known ? {} : { SecretID: secret, ...pick(token, ['ExpirationTime']) };
  await run.write('PUT', known ? path : '/v1/acl/token', { ...linked(fields), AccessorID: accessor, ...own });
}

/** For a missing token, Consul answers with 403 or 404, depending on the version. */
function absent(error: unknown): undefined {
  if (error instanceof Refusal && /not found/i.test(error.message)) return undefined;
  throw error;
}

async function importAuthMethods(run: ConsulRun): Promise<void> {
  const list = '/v1/acl/auth-methods';
  const there = new Set((await run.to.get<Named[]>(list)).map(({ Name }) => Name));
  const fields = ['Name', 'Type', 'DisplayName', 'Description', 'MaxTokenTTL', 'TokenLocality', 'Config'];
  for (const { Name } of await run.from.get<Named[]>(list)) {
    await run.copy('auth methods', Name, async () => {
      const whole = await run.from.get<Fields>(`/v1/acl/auth-method/${encoded(Name)}`);
      await run.write('PUT', `/v1/acl/auth-method${there.has(Name) ? `/${encoded(Name)}` : ''}`, pick(whole, fields));
    });
  }
}

async function importBindingRules(run: ConsulRun): Promise<void> {
  const list = '/v1/acl/binding-rules';
  const fields = ['AuthMethod', 'Selector', 'BindType', 'BindName', 'BindVars', 'Description'];
  const alike = (rule: Fields) => JSON.stringify(fields.map((name) => rule[name] ?? ''));
  const there = new Set((await run.to.get<Fields[]>(list)).map(alike));
  for (const rule of await run.from.get<Named[]>(list)) {
    await run.copy('binding rules', rule.ID, async () => {
      if (!there.has(alike(rule))) await run.write('PUT', '/v1/acl/binding-rule', pick(rule, fields));
    });
  }
}
