/** The form of an answer: JSON or XML, whole or compact, compressed or not, from the headers of the request. */

import type { IncomingHttpHeaders } from 'node:http';

export interface Form {
  readonly json: boolean;
  /** Without metadata, lease and pages. */
  readonly compact: boolean;
  /** Tells bodies of one view apart. */
  readonly name: string;
  readonly contentType: string;
}

const forms: Readonly<Record<'json' | 'xml' | 'json compact' | 'xml compact', Form>> = {
  json: { json: true, compact: false, name: 'json', contentType: 'application/json' },
  xml: { json: false, compact: false, name: 'xml', contentType: 'application/xml' },
  'json compact': { json: true, compact: true, name: 'json compact', contentType: 'application/json' },
  'xml compact': { json: false, compact: true, name: 'xml compact', contentType: 'application/xml' },
};

/** Eureka's rule: JSON if `Accept` has the word, otherwise XML, also when there is no `Accept` (`ApplicationsResource`, `KeyType`). */
export function formOf(headers: IncomingHttpHeaders): Form {
  const json = headers.accept?.includes('json') === true;
  const compact = headers['x-eureka-accept'] === 'compact';
  return forms[`${json ? 'json' : 'xml'}${compact ? ' compact' : ''}`];
}

/** Another Eureka server passes on what it was told; it must not be passed on again. */
export function isReplicated(headers: IncomingHttpHeaders): boolean {
  return headers['x-netflix-discovery-replication'] === 'true';
}
