/**
 * Runs the tests against real servers and clients in Java, Go and Rust: `conformance/PROTOCOL/java`, `go` and `rust`. They need a JDK and Maven, Go, or cargo,
 * take minutes, and are not part of `npm test`. A missing tool is a failure that names it.
 *
 *   npm run conformance:java [-- conformance/eureka]   arguments go to vitest
 */

import { fileURLToPath } from 'node:url';
import { root, run } from '../tools/prepare.mjs';

const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const args = process.argv.slice(2);
// One file at a time: each runs several Java programs.
const command = [vitest, 'run', '--no-file-parallelism', ...(args.length > 0 ? args : ['/java/', 'nacos/go/', 'nacos/rust/'])];
process.exitCode = run(process.execPath, command, { cwd: root, env: { ...process.env, ROLLCALL_JAVA: '1' } }) ? 0 : 1;
