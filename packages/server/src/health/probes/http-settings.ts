/** The settings of a check that apply to each HTTP request of its probe. */

import type { OutgoingHttpHeaders } from 'node:http';
import type { CheckDefinition } from '@rollcall/protocol';
import type { OutboundRequest } from '../../outbound/http-request.ts';

/** @param own headers of the probe; those of the check come last and win */
export function httpSettings(definition: CheckDefinition, own: OutgoingHttpHeaders): Pick<OutboundRequest, 'headers' | 'tlsSkipVerify' | 'tlsServerName'> {
  const headers: OutgoingHttpHeaders = { ...own };
  for (const [name, values] of Object.entries(definition.header ?? {})) {
    const [first = ''] = values;
    headers[name.toLowerCase()] = values.length > 1 ? [...values] : first;
  }
  const { tlsSkipVerify, tlsServerName } = definition;
  return { headers, tlsSkipVerify, tlsServerName };
}
