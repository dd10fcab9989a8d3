/** The options of the engine `etcd`. */

import { RegistryError } from '@rollcall/protocol';
import type { Clock } from '../../clock.ts';

export interface EtcdOptions {
  /** URLs of the members' client listeners: `https://etcd1:2379`. All with TLS or none; one that answers is enough. */
  readonly urls: readonly string[];
  /** Prefix of the keys of this registry; `rollcall` by default. Registries with different prefixes can share an etcd. */
  readonly prefix?: string;
  /** Certificates (PEM) of the authorities that are trusted for etcd; the well-known authorities by default. */
  readonly caFile?: string;
  /** Certificate (PEM) that this node shows to etcd; needs `keyFile`. Files are read again for each connection. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** User of etcd; needs `passwordFile`. */
  readonly user?: string;
  /** File whose first line is the user's password. */
  readonly passwordFile?: string;
  /**
   * etcd was put back from an older copy of its data while no node ran: revisions begin above all that clients may have seen. Once, for one
   * node; each further time costs a leap of 2^32 revisions. False by default.
   */
  readonly restored?: boolean;
  /** The system's by default. */
  readonly clock?: Clock;
}

/** @throws RegistryError `invalid_argument` for options that do not fit together */
export function checkOptions({ urls, caFile, certFile, keyFile, user, passwordFile }: EtcdOptions): void {
  if (urls.length === 0) refuse('no URL of etcd was given, such as http://127.0.0.1:2379');
  const schemes = new Set(urls.map(schemeOf));
  if (schemes.size > 1) refuse('some URLs of etcd have TLS and some have not; give all as https: or all as http:');
  if ((certFile === undefined) !== (keyFile === undefined)) refuse('a certificate for etcd needs its key, and a key its certificate');
  if ((user === undefined) !== (passwordFile === undefined)) refuse('a user of etcd needs a file with the password, and the file a user');
  if (!schemes.has('https:') && (caFile !== undefined || certFile !== undefined)) {
    refuse('certificates for etcd were given, but its URLs have no TLS; write them as https:');
  }
}

function schemeOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const bare = url !== undefined && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
  if (url === undefined || !bare || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return refuse(`${JSON.stringify(text)} is no URL of an etcd member; write it as http://HOST:2379 or https://HOST:2379`);
  }
  return url.protocol;
}

function refuse(message: string): never {
  throw new RegistryError('invalid_argument', message);
}
