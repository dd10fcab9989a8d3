/** The part of the route table under `/v1/acl/`. With access control off, all of it answers 401. */

import { anyCaller, demands, named, type Route, writes } from '../request/route.ts';
import { authorizations, listTemplates, previewTemplate, readTemplate, replication } from './answers.ts';
import { bootstrap, login, logout } from './login.ts';
import * as methods from './methods.ts';
import * as policies from './policies.ts';
import * as tokens from './tokens.ts';

const read = demands('acl', 'read');
const write = demands('acl', 'write');
/** Permission in the namespace that the body names. */
const writeIn = named('acl', 'write');

const table: readonly Route[] = [
  {
    path: '/v1/acl/bootstrap',
    methods: { PUT: writes(bootstrap, { kind: 'own-proof', why: 'works once, before there is a token' }) },
  },
  {
    path: '/v1/acl/login',
    methods: { POST: { act: login, access: { kind: 'own-proof', why: 'a JSON Web Token' }, audit: 'login' } },
  },
  { path: '/v1/acl/logout', methods: { POST: writes(logout, anyCaller) } },
  { path: '/v1/acl/replication', methods: { GET: { act: replication, access: { kind: 'open', why: 'as in Consul' } } } },
  { path: '/v1/acl/tokens', methods: { GET: { read: tokens.listTokens, everyNamespace: 'lists', access: read } } },
  { path: '/v1/acl/token', methods: { PUT: writes(tokens.createToken, writeIn) } },
  { path: '/v1/acl/token/self', methods: { GET: { act: tokens.ownToken, access: anyCaller } } },
  {
    path: '/v1/acl/token/:id',
    methods: {
      GET: { read: tokens.readToken, access: read },
      PUT: writes(tokens.changeToken, writeIn),
      DELETE: writes(tokens.deleteToken, write),
    },
  },
  { path: '/v1/acl/policies', methods: { GET: { read: policies.listPolicies, everyNamespace: 'lists', access: read } } },
  { path: '/v1/acl/policy', methods: { PUT: writes(policies.putPolicy, writeIn) } },
  { path: '/v1/acl/policy/name/:name', methods: { GET: { read: policies.readPolicyByName, access: read } } },
  {
    path: '/v1/acl/policy/:id',
    methods: {
      GET: { read: policies.readPolicy, access: read },
      PUT: writes(policies.putPolicy, writeIn),
      DELETE: writes(policies.deletePolicy, write),
    },
  },
  { path: '/v1/acl/roles', methods: { GET: { read: policies.listRoles, everyNamespace: 'lists', access: read } } },
  { path: '/v1/acl/role', methods: { PUT: writes(policies.putRole, writeIn) } },
  { path: '/v1/acl/role/name/:name', methods: { GET: { read: policies.readRoleByName, access: read } } },
  {
    path: '/v1/acl/role/:id',
    methods: {
      GET: { read: policies.readRole, access: read },
      PUT: writes(policies.putRole, writeIn),
      DELETE: writes(policies.deleteRole, write),
    },
  },
  { path: '/v1/acl/auth-methods', methods: { GET: { read: methods.listMethods, everyNamespace: 'lists', access: read } } },
  { path: '/v1/acl/auth-method', methods: { PUT: writes(methods.putMethod, writeIn) } },
  {
    path: '/v1/acl/auth-method/:name',
    methods: {
      GET: { read: methods.readMethod, access: read },
      PUT: writes(methods.putMethod, writeIn),
      DELETE: writes(methods.deleteMethod, write),
    },
  },
  { path: '/v1/acl/binding-rules', methods: { GET: { read: methods.listBindingRules, everyNamespace: 'lists', access: read } } },
  { path: '/v1/acl/binding-rule', methods: { PUT: writes(methods.putBindingRule, writeIn) } },
  {
    path: '/v1/acl/binding-rule/:id',
    methods: {
      GET: { read: methods.readBindingRule, access: read },
      PUT: writes(methods.putBindingRule, writeIn),
      DELETE: writes(methods.deleteBindingRule, write),
    },
  },
  { path: '/v1/acl/templated-policies', methods: { GET: { act: listTemplates, access: read } } },
  { path: '/v1/acl/templated-policy/name/:name', methods: { GET: { act: readTemplate, access: read } } },
  { path: '/v1/acl/templated-policy/preview/:name', methods: { POST: { act: previewTemplate, access: read } } },
  { path: '/v1/internal/acl/authorize', methods: { POST: { act: authorizations, access: anyCaller } } },
];

export const aclRoutes: readonly Route[] = table.map((route) => ({ ...route, needsAcl: true }));
