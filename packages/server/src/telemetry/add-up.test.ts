import { expect, test } from 'vitest';
import { AddedUp } from './add-up.ts';
import { Metrics } from './metrics.ts';

/** The metrics of a process that has answered so many requests, and shows a revision. */
function processWith(requests: number, revision: number): Metrics {
  const metrics = new Metrics();
  metrics.observe('rollcall_revision', 'Revision', () => revision, 'max');
  for (let at = 0; at < requests; at++) metrics.request('/v1/kv', 200);
  metrics.querySeconds.observe(0.002);
  metrics.commitSeconds.observe(0.2);
  metrics.streams.set(requests);
  return metrics;
}

const line = (page: string, start: string) => page.split('\n').find((each) => each.startsWith(start))?.slice(start.length + 1);

test('counters and histograms are sums, gauges of the state are not', async () => {
  const [one, other] = [await processWith(3, 7).values(), await processWith(4, 9).values()];
  const page = await new AddedUp().page(new Map([['one', one], ['other', other]]));
  expect(line(page, 'rollcall_http_requests_total{route="/v1/kv",status="200"}')).toBe('7');
  expect(line(page, 'rollcall_revision')).toBe('9');
  expect(line(page, 'rollcall_streams')).toBe('7');
  expect(line(page, 'rollcall_registry_query_duration_seconds_count')).toBe('2');
  expect(line(page, 'rollcall_registry_query_duration_seconds_bucket{le="0.0025"}')).toBe('2');
  expect(line(page, 'rollcall_commit_duration_seconds_bucket{le="0.1"}')).toBe('0');
  expect(line(page, 'rollcall_commit_duration_seconds_bucket{le="+Inf"}')).toBe('2');
});

test('they are the same after they were sent as JSON', async () => {
  const values = await processWith(3, 7).values();
  const sent = JSON.parse(JSON.stringify(values)) as typeof values;
  const own = async (of: typeof values) => (await new AddedUp().page(new Map([['one', of]]))).split('\n').filter((each) => each.startsWith('rollcall_'));
  expect(await own(sent)).toEqual(await own(values));
});

test('no total goes back when processes end, however many; their gauges go', async () => {
  const added = new AddedUp();
  const stays = await processWith(1, 1).values();
  for (let at = 0; at < 40; at++) {
    const page = await added.page(new Map([['stays', stays], [`ends-${at}`, await processWith(2, 1).values()]]));
    expect(line(page, 'rollcall_http_requests_total{route="/v1/kv",status="200"}')).toBe(String(1 + 2 * (at + 1)));
    expect(line(page, 'rollcall_streams')).toBe('3');
  }
  const page = await added.page(new Map([['stays', stays]]));
  expect(line(page, 'rollcall_http_requests_total{route="/v1/kv",status="200"}')).toBe('81');
  expect(line(page, 'rollcall_streams')).toBe('1');
  expect(line(page, 'rollcall_registry_query_duration_seconds_count')).toBe('41');
});

test('a process that does not answer keeps its last values, and counts once when it answers again', async () => {
  const added = new AddedUp();
  const one = await processWith(2, 1).values();
  await added.page(new Map([['one', one]]));
  expect(line(await added.page(new Map([['one', undefined]])), 'rollcall_streams')).toBe('2');
  await added.page(new Map());
  expect(line(await added.page(new Map([['one', one]])), 'rollcall_http_requests_total{route="/v1/kv",status="200"}')).toBe('2');
});
