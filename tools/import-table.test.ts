/** Import rules over the real sources; and the check finds and explains a breach. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCycles } from './import-rings.ts';
import { checkDependencies, checkImports, importsOf } from './import-table.ts';
import { productSources, root } from './source-files.ts';

const file = (path: string, text: string) => ({ path, text });
const at = (path: string) => `packages/server/src/${path}`;
const inClient = (path: string) => `packages/client/src/${path}`;

describe('the sources', () => {
  it('import only what the table allows', () => {
    expect(checkImports(productSources())).toEqual([]);
  });

  it.each(['protocol', 'gossip', 'client', 'server', 'cli'])('need what the %s package declares', (name) => {
    const manifest = JSON.parse(readFileSync(join(root, `packages/${name}/package.json`), 'utf8')) as {
      dependencies?: Record<string, string>;
      peerDependencies?: Record<string, string>;
    };
    const files = productSources().filter(({ path }) => path.startsWith(`packages/${name}/`));
    expect(checkDependencies(name, Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }), files)).toEqual([]);
  });

  it('have no import cycles', () => {
    expect(findCycles(productSources())).toEqual([]);
  });
});

describe('the check', () => {
  it.each([
    ['packages/protocol/src/check.ts', "import { sep } from 'node:path';", 'imports nothing'],
    ['packages/client/src/connect.ts', "import { createServer } from '@rollcall/server';", 'nothing of the server'],
    [inClient('balancer/peak-ewma.ts'), "import { Ejection } from '../resilience/ejection.ts';", 'neither ejection nor routing'],
    [inClient('resilience/ejection.ts'), "import type { Router } from '../routing/router.ts';", 'decided above'],
    [inClient('routing/picker.ts'), "import type { Explanation } from '../explain/explanation.ts';", 'any transport'],
    [inClient('connection/registry-connection.ts'), "import type { SnapshotSource } from '../source/snapshot-source.ts';", 'carries lists'],
    [inClient('http/exchange.ts'), "import { ServiceClient } from '../service-client.ts';", 'finds no instances'],
    [inClient('clock.ts'), "import { RegistryConnection } from './connection/registry-connection.ts';", 'none of the folders'],
    [at('registry/decide.ts'), "import { randomUUID } from 'node:crypto';", 'pure'],
    [at('registry/decide.ts'), "export { open } from '../engine/embedded/open.ts';", 'pure'],
    [at('registry/draft.ts'), "import { removeKey } from './kind/kv/decide.ts';", 'no room except through kinds.ts'],
    [at('registry/restore.ts'), "import { kvKey } from './kind/kv/keys.ts';", 'no room except through kinds.ts'],
    [at('registry/kind/kv/decide.ts'), "import { Removal } from '../catalog/remove.ts';", 'only the rooms below it'],
    [at('registry/kind/catalog/remove.ts'), "import { endSession } from '../session/end.ts';", 'only the rooms below it'],
    [at('registry/kind/session/find.ts'), "import { findCheck } from '../catalog/find.ts';", 'only the faces below it'],
    [at('registry/kind/kv/find.ts'), "import { removeKey } from './decide.ts';", 'only the faces below it'],
    [at('registry/kind/election/room.ts'), "import { kvKey } from '../kv/keys.ts';", 'only the rooms below it'],
    [at('registry/kind/query/decide.ts'), "import { hostname } from 'node:os';", 'a room is pure'],
    [at('engine/embedded/open.ts'), "import { memory } from '../memory/memory.ts';", 'its port and itself'],
    [at('engine/memory/memory.ts'), "import { open } from 'lmdb';", 'its port and itself'],
    [at('frontend/consul/routes.ts'), "import type { Frame } from '../stream/wire.ts';", 'every other front end'],
    [at('frontend/consul/routes.ts'), "const late = await import('../../engine/engine.ts');", 'every engine'],
    [at('frontend/consul/routes.ts'), "import { Replica } from '../../replica.ts';", 'translates one protocol'],
    [at('health/liveness.ts'), "import { wire } from '../frontend/stream/wire.ts';", 'front ends translate it'],
    [at('net/listener.ts'), "import 'lmdb';", 'no store'],
    [at('replica.ts'), "import {\n  type Exchange,\n} from './net/frontend.ts';", 'serves no protocol'],
  ])('finds that %s may not say %s', (path, text, reason) => {
    const found = checkImports([file(path, text)]);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(reason);
  });

  it('reports a new folder without a rule', () => {
    expect(checkImports([file('packages/ui/src/app.ts', '')])[0]).toContain('no zone');
  });

  it('lets a front end use the ports and its own folder', () => {
    const text = [
      "import { createHash } from 'node:crypto';",
      "import type { Registry } from '../../registry/registry.ts';",
      "import type { Health } from '../../health/health.ts';",
      "import { kvJson } from './kv/kv-json.ts';",
    ].join('\n');
    expect(checkImports([file(at('frontend/consul/frontend.ts'), text)])).toEqual([]);
  });

  it('does not take comments and strings for imports', () => {
    const text = "// import 'lmdb';\n/* from 'lmdb' */\nconst hint = `import x from 'lmdb'`;\n";
    expect(importsOf(file('a.ts', text))).toEqual([]);
  });

  it('finds dependencies that are declared but not used, and those that are not declared', () => {
    const files = [file('packages/a/src/b.ts', "import 'ws';\nimport './c.ts';\nimport 'node:fs';\nimport '@s/d/e';")];
    expect(checkDependencies('a', ['ws', 'undici'], files)).toEqual([
      'a declares undici, but does not import it',
      'a imports @s/d, but does not declare it',
    ]);
  });

  it('finds a cycle and names its members', () => {
    const ring = [file('p/a.ts', "import './b.ts';"), file('p/b.ts', "import type { A } from './a.ts';")];
    expect(findCycles(ring)).toEqual(['p/a.ts → p/b.ts → p/a.ts']);
    expect(findCycles([file('p/a.ts', "import './b.ts';"), file('p/b.ts', "import './c.ts';")])).toEqual([]);
  });
});
