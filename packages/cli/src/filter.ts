/** `--filter`: Consul's filter expressions, which the registry evaluates. */

import { Option } from 'commander';
import { given } from './given.ts';
import type { Terminal } from './terminal.ts';

/** Longest filter in bytes; much more than registries accept. */
const filterBytesMax = 65_536;

export function filterOption(): Option {
  return new Option('--filter <expression>', 'only entries that it selects, such as \'Meta.rack == "r1"\'; "-" reads standard input, "@FILE" a file');
}

/** The part of a query string; empty without a filter. */
export async function filterQuery(filter: string | undefined, terminal: Pick<Terminal, 'stdin'>): Promise<URLSearchParams> {
  if (filter === undefined) return new URLSearchParams();
  const bytes = await given(filter, { what: 'filter', bytesMax: filterBytesMax, terminal });
  return new URLSearchParams({ filter: bytes.toString('utf8').trim() });
}
