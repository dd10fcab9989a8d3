/**
 * Makes the pictures of docs/guides/console.md: pages of a filled registry, light and dark. Needs Debian's chromium.
 *
 *   npm run console:pictures [PAGE…]
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer } from '@rollcall/server';
import { chromium } from 'playwright-core';
import { findProgram } from '../../../conformance/install-debian.mjs';
import { fill } from './fill.mjs';

const target = fileURLToPath(new URL('../../../docs/guides/pictures', import.meta.url));
const size = { width: 1200, height: 720 };

/** What is shown, and in which theme; the second is typed into the palette. */
const pictures = [
  { name: 'overview', path: '', theme: 'light' },
  { name: 'service', path: 'services/web', theme: 'light' },
  { name: 'palette', path: '', theme: 'dark', typed: 'check' },
  { name: 'rollout', path: 'config/default/checkout/settings/rollout', theme: 'light', height: 540 },
  { name: 'flag', path: 'flags/shop/features.flags.json/new-checkout', theme: 'light', height: 600 },
  { name: 'topology', path: 'topology', theme: 'dark', afterMs: 11_000 },
];

const wanted = process.argv.slice(2);
const executablePath = findProgram('chromium');
if (executablePath === undefined) throw new Error('chromium is not installed; apt-get install chromium');
mkdirSync(target, { recursive: true });

const server = await createServer({ nodeName: 'registry-1', consoleEnvironment: { name: 'production', colour: 'red' } });
const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
/** @type {() => Promise<void>} */
let end = () => Promise.resolve();
try {
  end = await fill(server.url);
  for (const { name, path, theme, typed, height, afterMs = 500 } of pictures) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const context = await browser.newContext({ colorScheme: theme, viewport: { ...size, ...(height === undefined ? {} : { height }) } });
    const page = await context.newPage();
    await page.goto(`${server.url}/ui/${path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.locator('main[aria-busy=false]').waitFor();
    if (typed !== undefined) {
      await page.keyboard.press('Control+k');
      await page.getByRole('dialog').getByRole('combobox').waitFor();
      await page.keyboard.type(typed);
      await page.getByRole('listbox').getByRole('option', { selected: true }).waitFor();
    }
    // What comes after the first content, such as figures of a second question; clients report their requests every ten seconds.
    await page.waitForTimeout(afterMs);
    await page.screenshot({ path: join(target, `console-${name}.png`) });
    process.stdout.write(`docs/guides/pictures/console-${name}.png\n`);
    await context.close();
  }
} finally {
  await browser.close();
  await end();
  await server.close();
}
