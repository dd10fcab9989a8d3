/** A server with the built console, and Debian's Chromium that looks at it. Close it: `await using`. */

import AxeBuilder from '@axe-core/playwright';
import { createServer, type Server, type ServerOptions } from '@rollcall/server';
import { chromium, type Browser, type Page } from 'playwright-core';
import { findProgram } from '../../../conformance/install-debian.mjs';

const program = findProgram('chromium');

/** Why no browser can be started here; empty when one can. */
export const noBrowser = program === undefined ? ' (skipped: chromium is not installed; apt-get install chromium)' : '';

export const wide = { width: 1280, height: 800 } as const;
export const narrow = { width: 400, height: 800 } as const;

export class ConsoleBrowser implements AsyncDisposable {
  readonly server: Server;
  readonly browser: Browser;
  /** Errors of pages and of their consoles. */
  readonly errors: string[] = [];

  constructor(server: Server, browser: Browser) {
    this.server = server;
    this.browser = browser;
  }

  static async start(options: ServerOptions = {}): Promise<ConsoleBrowser> {
    // There is no screen. The sandbox of Chromium does not work for root.
    const args = ['--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
    const browser = await chromium.launch({ ...(program === undefined ? {} : { executablePath: program }), args });
    return new ConsoleBrowser(await createServer({ nodeName: 'server-1', ...options }), browser);
  }

  /** Opens a page of the console: `services?sort=size`. @param options.isFast content is shown two hundred times a second instead of ten */
  async open(path: string, { isFast = false }: { readonly isFast?: boolean } = {}): Promise<Page> {
    const context = await this.browser.newContext({ colorScheme: 'light', viewport: wide });
    const page = await context.newPage();
    // Shorter than that of a test, so that the step that waits is named.
    page.setDefaultTimeout(15_000);
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(`${path}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.errors.push(`${path}: ${String(error)}`));
    if (isFast) await page.addInitScript('{ const every = setInterval; window.setInterval = (run, ms, ...rest) => every(run, ms === 100 ? 5 : ms, ...rest); }');
    await this.goTo(page, path);
    return page;
  }

  /** Loads another page of the console in the same tab. */
  async goTo(page: Page, path: string): Promise<void> {
    await page.goto(`${this.server.url}/ui/${path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
  }

  /** @param token of a caller with the right; none by default */
  async register(service: string, id: string, { port = 80, status = 'passing', token = '', tags = ['v1'] }: { port?: number; status?: string; token?: string; tags?: readonly string[] } = {}): Promise<void> {
    const body = JSON.stringify({ Name: service, ID: id, Port: port, Tags: tags, Meta: { version: '1.2' }, Check: { TTL: '600s', Status: status } });
    const answer = await fetch(`${this.server.url}/v1/agent/service/register`, { method: 'PUT', body, headers: { 'x-consul-token': token } });
    if (!answer.ok) throw new Error(await answer.text());
  }

  /** Many instances, each with a check that passes. */
  async fill(instances: readonly { readonly service: string; readonly id: string }[]): Promise<void> {
    const perCommand = 250;
    for (let from = 0; from < instances.length; from += perCommand) {
      const some = instances.slice(from, from + perCommand);
      await this.#submit(some.map(({ service, id }) => ({ service, id, port: 80, tags: ['v1'], meta: { version: '1.2' } })), some.map(({ id }) => ({ id, status: 'passing' })));
    }
  }

  /** Changes the checks of instances that `fill` has registered. */
  async check(instances: readonly string[], status: 'passing' | 'critical'): Promise<void> {
    await this.#submit([], instances.map((id) => ({ id, status })));
  }

  async #submit(instances: readonly { readonly service: string; readonly id: string }[], checks: readonly { readonly id: string; readonly status: 'passing' | 'critical' }[]): Promise<void> {
    await this.server.registry.submit({
      ...{ kind: 'register', namespace: 'default', node: { name: 'server-1', address: '127.0.0.1' }, nodeMode: 'ensure', instances },
      checks: checks.map(({ id, status }) => ({ id: `check:${id}`, name: 'answers', status, instance: id })),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await this.server.close();
  }
}

/** Violations of the rules for accessible pages, one line each. @param rules all of axe by default */
export async function violations(page: Page, rules?: string[]): Promise<string[]> {
  // Half of the work would be to bring its code into the page again, and into an empty page that joins the results of frames, of which the console has none.
  const isThere = await page.evaluate<boolean>('typeof axe === "object"');
  const axe = new AxeBuilder({ page, ...(isThere ? { axeSource: ';' } : {}) }).setLegacyMode(true);
  const { violations: found } = await axe.options({ resultTypes: ['violations'], ...(rules === undefined ? {} : { runOnly: rules }) }).analyze();
  return found.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${String(target)}: ${failureSummary ?? ''}`));
}

/**
 * How long the page's main thread worked, in milliseconds: scripts, styles and layout. Other programs on a busy machine count little, unlike in the time
 * that passed.
 */
export async function workOf(page: Page, act: () => Promise<void>): Promise<number> {
  const session = await page.context().newCDPSession(page);
  const taskMs = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1_000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0);
  };
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const before = await taskMs();
  await act();
  const ms = (await taskMs()) - before;
  await session.detach();
  return ms;
}
