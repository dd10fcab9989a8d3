/**
 * Makes an OpenAPI 3.1 document of tables of routes: paths, methods and access are those by which requests are answered, and the
 * descriptions stand beside them in the table. Pure; it serves nothing.
 *
 * Source: https://spec.openapis.org/oas/v3.1.1.html
 */

import { RegistryError } from '@rollcall/protocol';
import type { Access } from '../security/access.ts';

/** JSON Schema, draft 2020-12, as far as the tables use it. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null' | readonly ('string' | 'null')[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly enum?: readonly (string | null)[];
  readonly const?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly default?: string | number | boolean;
}

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

/** An object with these fields and no others. Fields whose names end in `?` may be missing. */
export function object(fields: Readonly<Record<string, Schema>>, description?: string): Schema {
  const names = Object.keys(fields);
  return {
    type: 'object',
    ...(description === undefined ? {} : { description }),
    properties: Object.fromEntries(Object.entries(fields).map(([name, schema]) => [name.replace(/\?$/, ''), schema])),
    required: names.filter((name) => !name.endsWith('?')),
    additionalProperties: false,
  };
}

/** The body of every error. */
const errorSchema = object({ code: { type: 'string', description: 'One of docs/reference/errors.md' }, message: { type: 'string' } });

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
    paths: Object.fromEntries(routes.map((route) => [route.path, pathItem(route)])),
    components: {
      schemas: { Error: errorSchema },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token; needed while access control is on' },
      },
    },
  };
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
