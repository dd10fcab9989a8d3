/**
 * How an instance says that it is a server of the Model Context Protocol or an agent of A2A: by a tag and its metadata. So every protocol
 * can register one, and every protocol finds it. Pure.
 *
 *   tag `mcp`   mcp-path (default /mcp), mcp-name, mcp-title, mcp-description, mcp-version, mcp-website
 *   tag `a2a`   a2a-path (default /.well-known/agent-card.json)
 */

import { isIPv6 } from 'node:net';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';

export const mcpTag = 'mcp';
export const a2aTag = 'a2a';

const mcpPathDefault = '/mcp';
/** RFC 8615 suffix of A2A, https://a2a-protocol.org/latest/specification/ section 8.2. */
export const cardPath = '/.well-known/agent-card.json';

/** The endpoint of an MCP server. @param address its own, or its node's */
export function mcpUrl(row: InstanceRow, address: string): string {
  return urlOf(row, address, row.meta['mcp-path'] ?? mcpPathDefault);
}

/** Where an agent serves its card. */
export function cardUrl(row: InstanceRow, address: string): string {
  return urlOf(row, address, row.meta['a2a-path'] ?? cardPath);
}

function urlOf({ scheme = 'http', port }: InstanceRow, address: string, path: string): string {
  const host = isIPv6(address) ? `[${address}]` : address;
  return `${scheme}://${host}${port === 0 ? '' : `:${port}`}${path.startsWith('/') ? '' : '/'}${path}`;
}
