/**
 * Which configurations make the environment of a Spring application, in Spring's order, the first before the others. Pure.
 *
 *   application orders, profiles dev,prod
 *     orders/application-prod.* ─► application/application-prod.* ─► orders/application-dev.* ─► application/application-dev.*
 *     ─► orders/application.* ─► application/application.*
 *
 * A label is a cluster: configurations of that cluster come before those of the cluster `default`. As in Spring's server, `(_)` in a name
 * or label stands for a slash.
 */

import { RegistryError } from '@rollcall/protocol';

/** The app whose configurations all applications share. */
const sharedApp = 'application';

const endings = ['properties', 'yml', 'yaml', 'json'] as const;
/** Profiles of one request. */
const profilesMax = 20;

export interface SourceName {
  readonly app: string;
  readonly name: string;
}

export interface Wanted {
  readonly app: string;
  readonly profiles: readonly string[];
  /** Undefined: the cluster `default`. */
  readonly label: string | undefined;
}

/** @throws RegistryError `invalid_argument` */
export function readWanted(parts: Readonly<Record<string, string>>): Wanted {
  const app = slashes(parts['app'] ?? '');
  const label = parts['label'] === undefined ? undefined : slashes(parts['label']);
  const profiles = (parts['profiles'] ?? '').split(',').map((each) => each.trim());
  if (profiles.length > profilesMax) throw new RegistryError('invalid_argument', `there are ${profiles.length} profiles, the limit is ${profilesMax}`);
  if (profiles.includes('')) throw new RegistryError('invalid_argument', 'a profile is empty');
  return { app, profiles, label };
}

/** The configurations in question, the first before the others; most of them do not exist. */
export function sourceNames({ app, profiles }: Wanted): SourceName[] {
  // A name of several applications, as Spring has it: the last one wins.
  const apps = [...new Set([...app.split(',').toReversed(), sharedApp])].filter((each) => each !== '');
  const stems = [...new Set(profiles)].toReversed().map((profile) => `application-${profile}`);
  return [...stems, 'application'].flatMap((stem) => apps.flatMap((each) => endings.map((ending) => ({ app: each, name: `${stem}.${ending}` }))));
}

/** Names of a plain file, the most specific first: `logback-prod.xml`, then `logback.xml`. */
export function fileNames({ app, profiles }: Wanted, path: string): SourceName[] {
  const dot = path.lastIndexOf('.');
  const stem = dot > path.lastIndexOf('/') ? path.slice(0, dot) : path;
  const names = [...[...new Set(profiles)].toReversed().map((profile) => `${stem}-${profile}${path.slice(stem.length)}`), path];
  return names.flatMap((name) => [{ app, name }, { app: sharedApp, name }]);
}

function slashes(text: string): string {
  const path = text.replaceAll('(_)', '/');
  if (path.split('/').some((segment) => /^\.{0,2}$/.test(segment))) throw new RegistryError('invalid_argument', `${JSON.stringify(text.slice(0, 80))} is no name: it could lead out of a folder`);
  return path;
}
