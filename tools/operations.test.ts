/** The alert rules and the dashboard in docs/operations: the metrics in them exist, and promtool judges them where it is installed. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, memory } from '@rollcall/server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { howToInstall, isMissing, run } from './real-tools.ts';
import { root } from './source-files.ts';

const file = (path: string) => join(root, path);
const read = (path: string) => readFileSync(file(path), 'utf8');

describe('alert rules and dashboard', () => {
  const alerts = read('docs/operations/alerts.yaml');
  const dashboard = JSON.parse(read('docs/operations/dashboard.json')) as { panels: { title: string; targets: { expr: string }[] }[] };
  const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

  it('use only metrics that the reference lists', () => {
    const listed = new Set(Array.from(read('docs/reference/metrics.md').matchAll(/`([a-z_]+)`/g), ([, name]) => name));
    for (const text of [alerts, ...expressions]) {
      for (const [name] of text.matchAll(/\b(?:rollcall|process|nodejs)_[a-z_]+/g)) {
        expect(listed).toContain(name.replace(/_(bucket|count|sum)$/, ''));
      }
    }
  });

  it('are explained, each alert with what to do', () => {
    const named = Array.from(alerts.matchAll(/- alert: (\w+)/g), ([, name]) => name);
    const explained = Array.from(read('docs/operations/README.md').matchAll(/^### (Rollcall\w+)$/gm), ([, name]) => name);
    expect(explained).toEqual(named);
    expect(named.length).toBeGreaterThan(10);
  });

  it('use only metrics that a real server has', async () => {
    // Without a certificate there is no date of its end.
    const withTls = 'rollcall_tls_certificate_expiry_timestamp_seconds';
    const server = await createServer({ eureka: {}, engine: memory() });
    const page = await (await fetch(`${server.url}/metrics`)).text();
    await server.close();
    const real = new Set(Array.from(page.matchAll(/^# TYPE (\w+) /gm), ([, name]) => name));
    for (const text of [alerts, ...expressions]) {
      for (const [name] of text.matchAll(/\b(?:rollcall|process|nodejs)_[a-z_]+/g)) {
        if (name !== withTls) expect(real).toContain(name.replace(/_(bucket|count|sum)$/, ''));
      }
    }
  });

  it('are accepted by Prometheus, and each alert fires exactly when it should', ({ skip }) => {
    skip(isMissing('promtool'), `promtool is not installed; ${howToInstall}`);
    const tested = run('promtool', ['test', 'rules', 'alerts.test.yaml'], file('docs/operations'));
    expect(tested.status, tested.output).toBe(0);
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-rules-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const rules = expressions.map((expr, at) => ({
      record: `panel:${at}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
    }));
    writeFileSync(join(folder, 'rules.yaml'), JSON.stringify({ groups: [{ name: 'panels', rules }] }));
    for (const path of [file('docs/operations/alerts.yaml'), join(folder, 'rules.yaml')]) {
      const checked = run('promtool', ['check', 'rules', path]);
      expect(checked.status, checked.output).toBe(0);
    }
  });

  it.for(['docs/operations/README.md', 'docs/reference/metrics.md', 'packages/server/src/frontend/admin/README.md', 'packages/server/src/frontend/prometheus/README.md'])(
    'the configuration in %s is one of Prometheus',
    (page, { skip }) => {
      skip(isMissing('promtool'), `promtool is not installed; ${howToInstall}`);
      const folder = mkdtempSync(join(tmpdir(), 'rollcall-config-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const blocks = Array.from(read(page).matchAll(/^( *)```yaml\n([\s\S]*?)^ *```$/gm), ([, indent = '', block = '']) => block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''));
      expect(blocks.length).toBeGreaterThan(0);
      for (const block of blocks) {
        writeFileSync(join(folder, 'prometheus.yml'), block);
        const checked = run('promtool', ['check', 'config', '--syntax-only', join(folder, 'prometheus.yml')]);
        expect(checked.status, checked.output).toBe(0);
      }
    },
  );
});
