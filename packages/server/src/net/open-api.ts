/**
 * Makes an OpenAPI 3.1 document of tables of routes: paths, methods and access are those by which requests are answered, and the
 * descriptions stand beside them in the table. Pure; it serves nothing.
 *
 * Source: https://spec.openapis.org/oas/v3.1.1.html
 */

import { denialSchema, object, RegistryError, type Schema } from '@rollcall/protocol';
import type { Access } from '../security/access.ts';

export { object } from '@rollcall/protocol';
export type { Schema } from '@rollcall/protocol';

export interface Parameter {
  readonly name: string;
  readonly description: string;
  readonly required?: true;
  readonly schema: Schema;
}

export interface Content {
  readonly type: 'application/json' | 'application/octet-stream' | 'text/plain';
  readonly schema: Schema;
  readonly description: string;
}

/** One method of a route. */
export interface Operation {
  readonly summary: string;
  /** Of the query. */
  readonly parameters?: readonly Parameter[];
  readonly body?: Content;
  /** The answer with status 200. */
  readonly answer: Content;
}

export interface DescribedRoute {
  readonly path: string;
  readonly methods: readonly string[];
  readonly access: Access;
  /** By method; HEAD is answered as GET, without a body. */
  readonly operations: Readonly<Partial<Record<string, Operation>>>;
}

/** The body of every error. */
const errorSchema = object({ 'code': { type: 'string', description: 'One of docs/reference/errors.md' }, 'message': { type: 'string' }, 'denial?': denialSchema });

/** @throws RegistryError `failed_precondition` when a method of a route is not described, or a description has no method */
export function openApi(version: string, routes: readonly DescribedRoute[]): object {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Rollcall: operation and discovery',
      description: 'The JSON API of Rollcall itself. The APIs of Consul, Eureka and Nacos are described by those projects.',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: pathsOf(routes),
    components: {
      schemas: { Error: errorSchema },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token; needed while access control is on' },
      },
    },
  };
}

/** Methods of one path may need different permissions, and be routes of their own. */
function pathsOf(routes: readonly DescribedRoute[]): Readonly<Record<string, object>> {
  const paths: Record<string, object> = {};
  for (const route of routes) paths[route.path] = { ...paths[route.path], ...pathItem(route) };
  return paths;
}

function pathItem(route: DescribedRoute): object {
  const { path, methods, operations } = route;
  const extra = Object.keys(operations).find((method) => !methods.includes(method));
  if (extra !== undefined) throw new RegistryError('failed_precondition', `the route ${path} describes ${extra}, which it does not serve`);
  return Object.fromEntries(methods.map((method) => [method.toLowerCase(), operationOf(route, method)]));
}

function operationOf({ path, access, operations }: DescribedRoute, method: string): object {
  const operation = operations[method === 'HEAD' ? 'GET' : method];
  if (operation === undefined) throw new RegistryError('failed_precondition', `the route ${method} ${path} is not described in its table`);
  const { summary, parameters = [], body, answer } = operation;
  const isHead = method === 'HEAD';
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^a-z0-9]+/g, '-')}`,
    summary: isHead ? `${summary}, without a body` : summary,
    description: accessText(access),
    security: access.kind === 'open' ? [] : [{ bearer: [] }],
    ...(parameters.length === 0 ? {} : { parameters: parameters.map((each) => ({ ...each, in: 'query' })) }),
    ...(body === undefined ? {} : { requestBody: { description: body.description, required: true, content: contentOf(body) } }),
    responses: {
      200: { description: answer.description, ...(isHead ? {} : { content: contentOf(answer) }) },
      default: {
        description: 'An error; its code says which',
        ...(isHead ? {} : { content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } }),
      },
    },
  };
}

function contentOf({ type, schema }: Content): object {
  return { [type]: { schema } };
}

function accessText(access: Access): string {
  switch (access.kind) {
    case 'open':
      return `Needs no token: ${access.why}.`;
    case 'demands':
      return `Needs ${access.resource}:${access.verb}.`;
    case 'demands-by-name':
      return access.resource === 'agent' ? `Needs agent:${access.verb} on this server's node.` : `Needs ${access.resource}:${access.verb} on what the request names; reading needs ${access.resource}:read.`;
    case 'filters':
      return `Shows what the token may read of ${access.resources.join(', ')}.`;
    case 'own-proof':
      return `Needs a proof of its own: ${access.why}.`;
  }
}
