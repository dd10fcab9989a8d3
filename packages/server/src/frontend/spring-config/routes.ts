/**
 * The visible surface of this front end. The base URL of clients is `http://SERVER/spring`; the paths below it are those of Spring's server
 * (`EnvironmentController`, `ResourceController` and `EncryptionController` of spring-cloud-config-server).
 *
 * The first pattern that fits wins: files by their ending, then environments by the number of their parts, then plain files.
 */

import type { Access } from '../../security/access.ts';

export const prefix = '/spring/';

const part = '[^/]+';
const ending = '(?<ending>yml|yaml|properties|json)';
const read = ['GET', 'HEAD'];
const byName: Access = { kind: 'demands-by-name', resource: 'config', verb: 'read' };
const open: Access = { kind: 'open', why: 'it says that this server has no such service' };

export const surface = {
  key: { path: '/spring/key', methods: read, access: open, pattern: /^\/spring\/(?:key(?:\/.*)?|encrypt\/status)$/ },
  encryption: { path: '/spring/encrypt', methods: ['POST'], access: open, pattern: /^\/spring\/(?:encrypt|decrypt)(?:\/.*)?$/ },
  merged: { path: '/spring/{name}-{profiles}.{ending}', methods: read, access: byName, pattern: new RegExp(`^/spring/(?<app>[^/]+)-(?<profiles>[^/-]+)\\.${ending}$`) },
  labelledMerged: {
    path: '/spring/{label}/{name}-{profiles}.{ending}',
    methods: read,
    access: byName,
    pattern: new RegExp(`^/spring/(?<label>${part})/(?<app>[^/]+)-(?<profiles>[^/-]+)\\.${ending}$`),
  },
  environment: { path: '/spring/{name}/{profiles}', methods: read, access: byName, pattern: new RegExp(`^/spring/(?<app>${part})/(?<profiles>${part})$`) },
  labelledEnvironment: {
    path: '/spring/{name}/{profiles}/{label}',
    methods: read,
    access: byName,
    pattern: new RegExp(`^/spring/(?<app>${part})/(?<profiles>${part})/(?<label>${part})$`),
  },
  file: { path: '/spring/{name}/{profiles}/{label}/{path}', methods: read, access: byName, pattern: new RegExp(`^/spring/(?<app>${part})/(?<profiles>${part})/(?<label>${part})/(?<filePath>.+)$`) },
} as const satisfies Record<string, { path: string; methods: readonly string[]; access: Access; pattern: RegExp }>;
