/** consul-template 0.41.1, unmodified, renders a configuration from Consul's KV and renders it again after a publication. */

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigServer } from '../../../packages/server/src/config-server.case.ts';
import { buildGo } from '../../go-program.mjs';

const { problem, programs } = buildGo(fileURLToPath(new URL('../consul-template', import.meta.url)), 'consul-template', { 'consul-template': 'github.com/hashicorp/consul-template' });
it('consul-template is built', () => expect(problem).toBeUndefined());

describe.runIf(problem === undefined)('consul-template', () => {
  let server: ConfigServer;
  let folder = '';
  let running: ChildProcess | undefined;

  beforeAll(async () => {
    server = await ConfigServer.start({ configurationsInKv: true });
    await server.publish('shop/site.conf', 'listen 80;', { format: 'text' });
    folder = mkdtempSync(join(tmpdir(), 'rollcall-template-'));
  });

  afterAll(async () => {
    running?.kill('SIGKILL');
    await server?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it('renders a configuration, and again when it is published', async () => {
    const [template, rendered] = [join(folder, 'in.tpl'), join(folder, 'out.conf')];
    writeFileSync(template, 'server { {{ key "config/shop/site.conf" }} }\n{{ range ls "config/shop" }}{{ .Key }} {{ end }}\n');
    const address = server.server.url.replace('http://', '');
    running = spawn(programs?.['consul-template'] ?? '', ['-consul-addr', address, '-template', `${template}:${rendered}`, '-log-level', 'err'], { stdio: ['ignore', 'ignore', 'inherit'] });
    const shows = (text: string) => expect.poll(() => readFileSync(rendered, { encoding: 'utf8', flag: 'a+' }), { timeout: 20_000, interval: 20 }).toBe(text);
    await shows('server { listen 80; }\nsite.conf \n');
    await server.publish('shop/site.conf', 'listen 81;', { format: 'text' });
    await shows('server { listen 81; }\nsite.conf \n');
    await server.publish('shop/more.conf', 'x', { format: 'text' });
    await shows('server { listen 81; }\nmore.conf site.conf \n');
  });
});
