/**
 * The visible surface of this front end: the paths of Apollo's meta server and config service. An environment may stand before them,
 * `/apollo/{environment}/configs/…`; without it, it is that of the token.
 */

import type { Access } from '../../security/access.ts';

export const prefixes = ['/services/config', '/configs/', '/configfiles/', '/notifications/v2', '/apollo/'];

const part = '[^/]+';
const base = `^(?:/apollo/(?<environment>${part}))?`;
const target = `(?<app>${part})/(?<cluster>${part})/(?<name>${part})`;
const methods = ['GET', 'HEAD'];
const byName: Access = { kind: 'demands-by-name', resource: 'config', verb: 'read' };

export const surface = {
  services: { path: '/services/config', methods, access: { kind: 'open', why: 'it tells the address that the client has asked, as a meta server does; clients do not sign this request' }, pattern: new RegExp(`${base}/services/config$`) },
  configs: { path: '/configs/{app}/{cluster}/{name}', methods, access: byName, pattern: new RegExp(`${base}/configs/${target}$`) },
  files: { path: '/configfiles/{app}/{cluster}/{name}', methods, access: byName, pattern: new RegExp(`${base}/configfiles/(?:(?<form>json|raw)/)?${target}$`) },
  notifications: { path: '/notifications/v2', methods: ['GET'], access: byName, pattern: new RegExp(`${base}/notifications/v2$`) },
} as const satisfies Record<string, { path: string; methods: readonly string[]; access: Access; pattern: RegExp }>;
