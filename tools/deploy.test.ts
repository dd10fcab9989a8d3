/**
 * The files that operators copy: container, systemd unit, Kubernetes manifests. The real tools judge them where they are installed, and
 * the names in them must exist here. Alert rules and the dashboard: `operations.test.ts`.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { howToInstall, isMissing, run } from './real-tools.ts';
import { root } from './source-files.ts';

const file = (path: string) => join(root, path);
const read = (path: string) => readFileSync(file(path), 'utf8');

/** Variables of the environment that `rollcall serve` reads. */
const variables = new Set(read('docs/reference/configuration.md').match(/ROLLCALL_[A-Z_]+/g));

describe('the container', () => {
  it('is built where a Docker engine runs, and is a valid Dockerfile everywhere', { timeout: 600_000 }, () => {
    expect(validate(read('deploy/docker/Dockerfile'))).toEqual([]);
    if (run('docker', ['info']).status !== 0) return;
    const built = run('docker', ['build', '--quiet', '-f', 'deploy/docker/Dockerfile', '.']);
    expect(built.status, built.output).toBe(0);
  });

  it('copies only existing files, runs as a user without rights, and sets variables that exist', () => {
    const text = read('deploy/docker/Dockerfile');
    expect(text).toMatch(/^USER node$/m);
    for (const [name] of text.matchAll(/ROLLCALL_[A-Z_]+/g)) expect(variables).toContain(name);
    const ignored = read('.dockerignore');
    for (const path of ['package.json', 'package-lock.json', 'packages', 'tools', 'LICENSE']) {
      expect(ignored.split('\n')).not.toContain(path);
    }
  });
});

describe('the systemd unit', () => {
  it('is accepted by systemd, and gives the process few rights', ({ skip }) => {
    skip(isMissing('systemd-analyze'), `systemd is not installed; ${howToInstall}`);
    const verified = run('systemd-analyze', ['verify', '--man=no', file('deploy/systemd/rollcall.service')]);
    expect(verified).toEqual({ status: 0, output: '' });
    // Tenths: 0 is no exposure, 100 all of it. systemd calls up to 2.0 OK.
    const judged = run('systemd-analyze', ['security', '--offline=true', '--threshold=20', file('deploy/systemd/rollcall.service')]);
    expect(judged.status, judged.output).toBe(0);
  });

  it('does not restart after exit codes that a restart does not fix', () => {
    const codes = /^RestartPreventExitStatus=(.*)$/m.exec(read('deploy/systemd/rollcall.service'))?.[1]?.split(' ');
    const page = read('docs/reference/cli.md');
    for (const code of codes ?? []) expect(page).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
    expect(codes).toEqual(['2', '7', '8']);
  });
});

interface Container {
  readonly env: readonly { readonly name: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: object;
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

describe('the Kubernetes manifests', () => {
  const documents = parseAllDocuments(read('deploy/kubernetes/rollcall.yaml'));
  const objects = documents.map((document) => document.toJS() as { kind: string; spec: unknown });

  it('are YAML without repeated keys, one object of each kind', () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
    expect(objects.map(({ kind }) => kind)).toEqual(['ServiceAccount', 'Service', 'StatefulSet']);
  });

  it('name variables, paths and ports that exist', () => {
    const [, service, statefulSet] = objects.map(({ spec }) => spec);
    const { ports: targets } = service as { ports: { targetPort: string }[] };
    const { template } = statefulSet as { template: { spec: { containers: Container[] } } };
    const container = template.spec.containers[0] as Container;
    for (const { name } of container.env) expect(variables).toContain(name);
    const ports = container.ports.map(({ name }) => name);
    for (const { httpGet } of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
      expect(ports).toContain(httpGet.port);
      expect(read('packages/server/src/frontend/admin/README.md')).toContain(`GET ${httpGet.path}`);
    }
    for (const { targetPort } of targets) expect(ports).toContain(targetPort);
    expect(container.securityContext).toMatchObject({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true });
  });
});
