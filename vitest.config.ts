import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

const source = (name: string) =>
  fileURLToPath(new URL(`packages/${name}/src/index.ts`, import.meta.url));

// Tests run the TypeScript sources; only tests that start processes use the built `dist`.
export default defineConfig({
  resolve: {
    alias: {
      '@rollcall/protocol': source('protocol'),
      '@rollcall/gossip': source('gossip'),
      '@rollcall/client': source('client'),
      '@rollcall/server': source('server'),
    },
  },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'tools/**/*.test.ts', 'conformance/**/*.test.ts', 'examples/**/*.test.ts'],
    // No package of Debian or npm has a Consul, or a Prometheus that can take its test: they are asked for by name. Tests
    // with programs in Java, Go or Rust take minutes and have a command of their own.
    exclude: [
      ...configDefaults.exclude,
      ...(process.env['ROLLCALL_PROMETHEUS'] === undefined ? ['conformance/consul/prometheus.test.ts'] : []),
      ...(process.env['ROLLCALL_CONSUL'] === undefined ? ['conformance/consul/consul-cli.test.ts'] : []),
      ...(process.env['ROLLCALL_ENVOY'] === undefined ? ['conformance/xds/envoy.test.ts'] : []),
      ...(process.env['ROLLCALL_JAVA'] === undefined ? ['conformance/*/java/**', 'conformance/*/go/**', 'conformance/*/rust/**'] : []),
    ],
    // These limits end a test that hangs. They say nothing about speed: a busy machine is ten times slower.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    maxWorkers: 2,
  },
});
