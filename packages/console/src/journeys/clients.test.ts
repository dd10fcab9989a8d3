/** What an operator learns of clients: who is connected, what each watches and runs, who calls whom, and which calls fail. */

import { connect, type Rollcall } from '@rollcall/client';
import { streamPath } from '@rollcall/protocol';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ConsoleBrowser, noBrowser, violations } from '../browser.case.ts';

/** A client that reports picks when the test says so: real clients report every ten seconds. */
class Caller {
  readonly #socket: WebSocket;
  #id = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async open(url: string, client: string, service?: string): Promise<Caller> {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${streamPath}`);
    await new Promise((resolve) => socket.once('open', resolve));
    const caller = new Caller(socket);
    const session = { id: crypto.randomUUID(), token: crypto.randomUUID() };
    await caller.ask({ type: 'hello', protocol: 1, client, version: 'tool/2.0', session });
    if (service !== undefined) await caller.ask({ type: 'register', instances: [{ id: `${service}-1`, service, port: 80 }] });
    return caller;
  }

  ask(frame: object): Promise<void> {
    const id = ++this.#id;
    return new Promise((resolve) => {
      const heard = (data: Buffer): void => {
        if ((JSON.parse(data.toString()) as { id?: number }).id !== id) return;
        this.#socket.off('message', heard);
        resolve();
      };
      this.#socket.on('message', heard);
      this.#socket.send(JSON.stringify({ id, ...frame }));
    });
  }

  report(service: string, picks: number, failures: number): Promise<void> {
    return this.ask({ type: 'pick-report', intervalMs: 10_000, services: [{ service, picks, failures, meanMs: 4, p99Ms: 30 }] });
  }

  end(): void {
    this.#socket.terminate();
  }
}

/** Where Cytoscape keeps a drawing. */
interface Drawn {
  readonly _cyreg: { readonly cy: { edges(): { map<T>(to: (edge: { sourceEndpoint(): { readonly x?: number } }) => T): T[] } } };
}

describe.skipIf(noBrowser !== '')(`clients${noBrowser}`, () => {
  let console: ConsoleBrowser;
  let library: Rollcall;
  let shop: Caller;
  let report: Caller;
  let telling: NodeJS.Timeout;
  beforeAll(async () => {
    console = await ConsoleBrowser.start();
    const { url } = console.server;
    await fetch(`${url}/rollcall/v1/config/publish?app=shop&name=main`, { method: 'POST', body: JSON.stringify({ content: 'a=1' }) });
    library = await connect({ servers: [url], name: 'orders-1' });
    await library.register({ service: 'orders', port: 80 });
    await library.config('shop/main').whenReady();
    shop = await Caller.open(url, 'shop-1', 'shop');
    await shop.ask({ type: 'watch', views: [{ kind: 'service', name: 'orders' }] });
    report = await Caller.open(url, 'nightly report');
    const tell = () => Promise.all([shop.report('orders', 500, 100), report.report('orders', 10, 0)]);
    await tell();
    // A report counts for twenty seconds.
    telling = setInterval(() => void tell(), 5_000);
  });
  afterAll(async () => {
    clearInterval(telling);
    shop.end();
    report.end();
    await library.close();
    await console[Symbol.asyncDispose]();
  });

  const row = (page: Page, name: RegExp) => page.getByRole('row', { name });

  test('are listed with what they watch and run, found by keyboard, and gone when they leave', async () => {
    const page = await console.open('');
    for (const key of ['g', 'i']) await page.keyboard.press(key);
    await row(page, /orders-1.*@rollcall\/client.*stream.*server-1.*config shop\/main.*shop\/main 1/).waitFor();
    await row(page, /shop-1.*tool\/2\.0.*service orders.*50\/s.*10\/s/).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('nightly');
    await page.getByText('1 of 4').waitFor();
    const passing = await Caller.open(console.server.url, 'nightly cleaning');
    await row(page, /nightly cleaning/).waitFor();
    passing.end();
    await row(page, /nightly cleaning/).waitFor({ state: 'detached' });
    await page.close();
  });

  test('have a page each, with their calls over time', async () => {
    const page = await console.open('clients?filter=shop-1');
    await row(page, /shop-1/).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'shop-1' }).waitFor();
    await page.getByRole('row', { name: 'orders 50/s 10/s 4 ms 30 ms' }).waitFor();
    await page.getByRole('img', { name: /Requests of shop-1.*50\/s, 10\/s failures, mean 4 ms, p99 30 ms now/ }).locator('canvas').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.close();
  });

  test('and services are nodes of a drawing that leads to them, and rows of a table that says the same', async () => {
    const page = await console.open('topology');
    await page.locator('.graph[data-drawn] canvas').first().waitFor();
    // An arrow without ends is not drawn.
    const ends = () => page.locator('.graph').evaluate((frame: unknown) => (frame as Drawn)._cyreg.cy.edges().map((edge) => typeof edge.sourceEndpoint().x));
    await expect.poll(ends).toEqual(['number', 'number']);
    await page.getByText('3 services and clients, 2 arrows').waitFor();
    // A new edge, live.
    await report.report('shop', 20, 0);
    await page.getByText('3 services and clients, 3 arrows').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('Show as').selectOption('table');
    await row(page, /shop orders 1 50\/s 10\/s 4 ms 30 ms/).waitFor();
    await row(page, /nightly report shop 0 2\/s/).waitFor();
    await row(page, /shop orders/).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'shop to orders' }).getByText('1 client watches it').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('region', { name: 'shop to orders' }).getByRole('link', { name: 'orders' }).click();
    await page.getByRole('heading', { level: 1, name: 'orders' }).waitFor();
    await page.close();
  });

  test('and edges are shown as of a past time, without what came later', async () => {
    const later = await Caller.open(console.server.url, 'later');
    await expect.poll(async () => (await (await fetch(`${console.server.url}/rollcall/v1/clients`)).text()).includes('later')).toBe(true);
    const { sinceMs } = ((await (await fetch(`${console.server.url}/rollcall/v1/clients?search=later`)).json()) as { clients: [{ sinceMs: number }] }).clients[0];
    const page = await console.open(`clients?at=${sinceMs - 1}`);
    await row(page, /shop-1.*tool\/2\.0.*service orders/).waitFor();
    await expect.poll(() => row(page, /later/).count()).toBe(0);
    await expect.poll(() => page.getByRole('columnheader', { name: 'picks' }).count()).toBe(0);
    expect(await violations(page)).toEqual([]);
    await page.goto(`${console.server.url}/ui/topology?view=table&at=${Date.now()}`);
    await row(page, /shop orders 1 50\/s 10\/s/).waitFor();
    await page.goto(`${console.server.url}/ui/activity?at=${Date.now()}`);
    await row(page, /config\/publish/).waitFor();
    later.end();
    await page.close();
  });

  test('a click on a node of the drawing opens its service', async () => {
    const page = await console.open('topology?filter=shop');
    await page.locator('.graph[data-drawn] canvas').first().waitFor();
    const graph = page.locator('.graph');
    // The nodes stand in one line in the middle: the first one that is met from the right is `orders`.
    const { width = 0, height = 0 } = (await graph.boundingBox()) ?? {};
    for (let x = width - 20; x > width / 2 && page.url().includes('topology'); x -= 15) await graph.click({ position: { x, y: height / 2 } }).catch(() => {});
    await page.getByRole('heading', { level: 1, name: 'orders' }).waitFor();
    await page.close();
  });

  test('no page gives an error', () => {
    expect(console.errors).toEqual([]);
  });
});

test.skipIf(noBrowser !== '')(`the page of a client says why its address and its token are hidden${noBrowser}`, async () => {
  const management = 'a management token';
  await using console = await ConsoleBrowser.start({ acl: { initialManagement: management } });
  const put = (path: string, body: object) => fetch(`${console.server.url}${path}`, { method: 'PUT', body: JSON.stringify(body), headers: { 'x-consul-token': management } });
  await put('/v1/acl/policy', { Name: 'readers', Rules: 'service_prefix "" { policy = "read" }' });
  await put('/v1/acl/token/00000000-0000-0000-0000-000000000002', { Description: 'anonymous', Policies: [{ Name: 'readers' }] });
  const client = await connect({ servers: [console.server.url], token: management, name: 'orders-1' });
  await client.register({ service: 'orders', port: 80 });
  const page = await console.open('clients');
  await page.getByRole('row', { name: /orders-1/ }).click();
  const why = page.getByText('Its address and its token are for operators. The anonymous token lacks');
  await why.getByText('operator:read').waitFor();
  await expect.poll(() => page.getByRole('term').allTextContents()).not.toContain('address');
  expect(await violations(page)).toEqual([]);
  await page.close();
  await client.close();
  expect(console.errors).toEqual([]);
});
