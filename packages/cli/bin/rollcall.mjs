#!/usr/bin/env node
// Starts the compiled command line, or says why it cannot: this file must run on any Node.

import { existsSync } from 'node:fs';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const main = new URL('../dist/main.js', import.meta.url);

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`rollcall: Node ${process.versions.node} is too old, 20.19 or newer is needed (https://nodejs.org)`);
  process.exitCode = 1;
} else if (!existsSync(main)) {
  console.error('rollcall: not built yet; run: npm run build');
  process.exitCode = 1;
} else {
  const { runProcess } = await import(main.href);
  await runProcess(process);
}
