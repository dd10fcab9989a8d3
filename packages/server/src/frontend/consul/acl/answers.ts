/** Reads of access control that no view covers: `/v1/acl/templated-policy`, `replication`, `/v1/internal/acl/authorize`. */

import { RegistryError } from '@rollcall/protocol';
import { readBody } from '../../../net/body.ts';
import type { Authorizer, Resource, Verb } from '../../../security/authorizer.ts';
import { printRules, type TemplateInfo, templateList, templateRules } from '../../../security/templates.ts';
import { decodeList, decodeOptionalBody } from '../request/body.ts';
import type { Call, Incoming } from '../request/call.ts';
import { endpoint } from '../request/endpoint.ts';
import { jsonBody, restOf } from '../request/query.ts';
import { schema } from '../wire/decode.ts';
import { invalid, quoted } from '../wire/errors.ts';
import type { Reply } from '../wire/reply.ts';
import { fromTemplate, syntheticPolicy } from './acl-json.ts';
import { authorizeBody } from './definitions.ts';

/** `GET /v1/acl/templated-policies` */
export function listTemplates({ params }: Call): Reply {
  return jsonBody(params)(Object.fromEntries(templateList().map((info) => [info.name, templateJson(info)])));
}

/** `GET /v1/acl/templated-policy/name/:name` */
export function readTemplate(call: Call): Reply {
  return jsonBody(call.params)(templateJson(templateOf(call)));
}

/** `POST /v1/acl/templated-policy/preview/:name`, with the variables as body */
export const previewTemplate = endpoint({
  decode: async (incoming) => {
    const { name } = templateOf(incoming);
    const { Name } = await decodeOptionalBody(incoming, variablesBody, 'Failed to decode request body');
    return { name, variable: Name };
  },
  answer: ({ name, variable }, { params }) =>
    jsonBody(params)(syntheticPolicy(`${fromTemplate}${name}`, templateRules(name, variable), [])),
});

const variablesBody = schema({ Name: 'string' });

function templateOf(incoming: Pick<Incoming, 'rest'>): TemplateInfo {
  const name = restOf(incoming, 'templated policy Name');
  const found = templateList().find((info) => info.name === name);
  if (found === undefined) throw new RegistryError('not_found', `Invalid templated policy Name: ${quoted(name)}`);
  return found;
}

function templateJson({ name, description, named }: TemplateInfo): object {
  return {
    TemplateName: name,
    Schema: named ? '{"type":"object","properties":{"name":{"type":"string","minLength":1}},"required":["name"]}' : '',
    Template: printRules(templateRules(name, named ? '{{.Name}}' : '')),
    Description: description,
  };
}

/** `GET /v1/acl/replication`: there is only one datacenter, so nothing is replicated. */
export function replication({ params }: Call): Reply {
  const never = '0001-01-01T00:00:00Z';
  return jsonBody(params)({
    ...{ Enabled: false, Running: false, SourceDatacenter: '', ReplicationType: '' },
    ...{ ReplicatedIndex: 0, ReplicatedRoleIndex: 0, ReplicatedTokenIndex: 0 },
    ...{ LastSuccess: never, LastError: never, LastErrorMessage: '' },
  });
}

/** Consul's `maximumAuthorizationRequests`. */
const questionsMax = 64;

/** `POST /v1/internal/acl/authorize`: the permissions of the caller, for user interfaces. */
export const authorizations = endpoint({
  decode: async ({ exchange, limits }) => {
    const bytes = await readBody(exchange.request, limits.bodyBytesMax);
    const questions = decodeList(authorizeBody, bytes, 'Failed to decode request body');
    if (questions.length > questionsMax) {
      throw invalid(`Refusing to process more than ${questionsMax} authorizations at once`);
    }
    return questions;
  },
  answer: (questions, { caller, namespace, params }) =>
    jsonBody(params)(
      questions.map(({ Resource: resource = '', Access: access = '', Segment: segment = '' }) => ({
        Resource: resource,
        ...(segment === '' ? {} : { Segment: segment }),
        Access: access,
        Allow: allows(caller.authorizer, namespace, resource, access, segment),
      })),
    ),
});

/** Resources that a question may name, with their verbs besides `read` and `write`. */
const askable: Readonly<Record<string, readonly string[]>> = {
  ...{ acl: [], agent: [], event: [], intention: [], key: ['list', 'write-prefix'], keyring: [], mesh: [], node: [] },
  ...{ operator: [], peering: [], query: [], service: [], session: [] },
};

function allows(authorizer: Authorizer, namespace: string, resource: string, access: string, segment: string): boolean {
  const more = Object.hasOwn(askable, resource) ? askable[resource] : undefined;
  if (more === undefined) throw invalid(`Invalid ACL resource requested: ${quoted(resource)}`);
  const verb = access.toLowerCase();
  if (!['read', 'write', ...more].includes(verb)) {
    throw invalid(`Invalid access level for ${resource} resource: ${access.slice(0, 80)}`);
  }
  if (verb === 'write-prefix') return authorizer.allowsKeyTree(namespace, segment, 'write');
  return authorizer.allows(namespace, resource as Resource, verb as Verb, segment);
}
