import * as grpc from '@grpc/grpc-js';
import { afterEach, expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { grpcReports } from './grpc-reports.ts';
import { LoadMeter } from './load-meter.ts';
import { decodeLoadReport, loadTrailer } from './orca.ts';

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

const bytes = { serialize: (text: string) => Buffer.from(text), deserialize: (buffer: Buffer) => buffer.toString() };
const method = (path: string, responseStream: boolean) => ({
  ...{ path, requestStream: false, responseStream },
  ...{ requestSerialize: bytes.serialize, requestDeserialize: bytes.deserialize },
  ...{ responseSerialize: bytes.serialize, responseDeserialize: bytes.deserialize },
});
const service = { echo: method('/test.Echo/Echo', false), watch: method('/test.Echo/Watch', true) };

type Unary = grpc.sendUnaryData<string>;

async function setUp(options: grpc.ServerOptions = {}, utilization?: () => number) {
  const clock = manualClock();
  const meter = new LoadMeter(clock, utilization);
  const server = new grpc.Server({ ...options, interceptors: [grpcReports(grpc, { meter })] });
  const held: { text: string; answer: Unary; call: grpc.ServerUnaryCall<string, string> }[] = [];
  let heard = () => {};
  server.addService(service, {
    echo: (call: grpc.ServerUnaryCall<string, string>, answer: Unary) => {
      held.push({ text: call.request, answer, call });
      heard();
    },
    watch: (call: grpc.ServerWritableStream<string, string>) => {
      call.write('one');
      call.end();
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  const Client = grpc.makeGenericClientConstructor(service, 'Echo');
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  cleanups.push(() => server.forceShutdown(), () => client.close());
  /** Begins a call; `over` has its status, trailers included. */
  const call = (text: string) => {
    let begun: grpc.ClientUnaryCall | undefined;
    const over = new Promise<grpc.StatusObject>((resolve) => {
      begun = client.makeUnaryRequest(service.echo.path, bytes.serialize, bytes.deserialize, text, () => {});
      begun.on('status', resolve);
    });
    return { over, cancel: () => begun?.cancel() };
  };
  const hanging = (count: number) =>
    new Promise<void>((resolve) => {
      heard = () => held.length >= count && resolve();
      heard();
    });
  return { clock, meter, client, call, held, hanging };
}

const reportOf = ({ metadata }: grpc.StatusObject) => {
  const [trailer] = metadata.get(loadTrailer);
  return decodeLoadReport(trailer as Buffer);
};

it('reports in the trailers of each answer', async () => {
  const { clock, call, held, hanging } = await setUp();
  const [first, second] = [call('a'), call('b')];
  await hanging(2);
  clock.advance(25);
  held[0]!.answer(null, 'ok');
  const one = await Promise.race([first.over, second.over]);
  expect(reportOf(one)).toEqual({ inFlight: 1 });
  held[1]!.answer(null, 'ok');
  const statuses = await Promise.all([first.over, second.over]);
  expect(reportOf(statuses.find((status) => status !== one)!)).toEqual({ inFlight: 0, latencyMs: 25 });
});

it('keeps the trailers of the application', async () => {
  const { call, held, hanging } = await setUp();
  const { over } = call('a');
  await hanging(1);
  const trailers = new grpc.Metadata();
  trailers.set('x-own', '1');
  held[0]!.answer(null, 'ok', trailers);
  const status = await over;
  expect(status.metadata.get('x-own')).toEqual(['1']);
  expect(reportOf(status)).toEqual({ inFlight: 0 });
});

it.each([
  [grpc.status.UNAVAILABLE, undefined],
  [grpc.status.INTERNAL, undefined],
  [grpc.status.NOT_FOUND, 25],
])('takes status %i for an answer that takes %s ms', async (code, latencyMs) => {
  const { clock, meter, call, held, hanging } = await setUp();
  const { over } = call('a');
  await hanging(1);
  clock.advance(25);
  held[0]!.answer({ code, details: 'no' });
  expect(reportOf(await over)?.inFlight).toBe(0);
  expect(meter.report().latencyMs).toBe(latencyMs);
});

it('counts down when the caller gives up', async () => {
  const { meter, call, held, hanging } = await setUp();
  const { over, cancel } = call('a');
  await hanging(1);
  const gone = new Promise((resolve) => held[0]!.call.on('cancelled', resolve));
  expect(meter.inFlight).toBe(1);
  cancel();
  await Promise.all([over, gone]);
  expect(meter.inFlight).toBe(0);
});

it('adds reports to streams, but does not count streams', async () => {
  const { meter, client } = await setUp();
  const stream = client.makeServerStreamRequest(service.watch.path, bytes.serialize, bytes.deserialize, 'a');
  const loads: number[] = [];
  stream.on('data', () => loads.push(meter.inFlight));
  const status = await new Promise<grpc.StatusObject>((resolve) => stream.on('status', resolve));
  expect(loads).toEqual([0]);
  expect(reportOf(status)).toEqual({ inFlight: 0 });
});

it.each([0, 1])('contains the utilisation that the server measures, with recording %i', async (recording) => {
  const { call, held, hanging } = await setUp({ 'grpc.server_call_metric_recording': recording }, () => 0.25);
  const { over } = call('a');
  await hanging(1);
  held[0]!.answer(null, 'ok');
  expect(reportOf(await over)).toEqual({ inFlight: 0, utilization: 0.25 });
});

it('is sent together with the metrics that the application records', async () => {
  const { call, held, hanging } = await setUp({ 'grpc.server_call_metric_recording': 1 });
  const { over } = call('a');
  await hanging(1);
  held[0]!.call.getMetricsRecorder().recordCPUUtilizationMetric(0.5);
  held[0]!.answer(null, 'ok');
  const status = await over;
  expect(reportOf(status)).toEqual({ inFlight: 0, utilization: 0.5 });
  // cpu_utilization, field 1: 0.5
  expect((status.metadata.get(loadTrailer)[0] as Buffer).includes(Buffer.from('09000000000000e03f', 'hex'))).toBe(true);
});
