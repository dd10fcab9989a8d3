/** docs/guides/agents.md, typed in. */

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort } from '../conformance/free-ports.mjs';
import { playGuide } from './guide.case.ts';
import { root } from './source-files.ts';

it('the author of an MCP server and of an agent can follow the guide', async () => {
  const [mcp, a2a] = [await freePort(), await freePort()];
  const ports = { '8080': String(mcp), '9000': String(a2a) };
  expect(await playGuide('docs/guides/agents.md', { ...ports, 'node examples/': `node ${join(root, 'examples/')}` })).toBeGreaterThanOrEqual(9);
});
