import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatLoadReport, type LoadReport, loadReportIn, parseLoadReport } from './load-report.ts';

it('is written in the form that Envoy reads', () => {
  expect(formatLoadReport({ inFlight: 3, latencyMs: 12.3456789 })).toBe('TEXT named_metrics.rif=3,named_metrics.latency_ms=12.346');
  expect(formatLoadReport({ inFlight: 0 })).toBe('TEXT named_metrics.rif=0');
  expect(formatLoadReport({ utilization: 0.25 })).toBe('TEXT application_utilization=0.25');
  expect(formatLoadReport({ inFlight: 1, utilization: 0.25 })).toBe('TEXT named_metrics.rif=1,application_utilization=0.25');
});

it('has the same values after writing and reading, to the microsecond', () => {
  const report = fc.record({ inFlight: fc.nat(1e9), latencyMs: fc.double({ min: 0, max: 1e6, noNaN: true }) }, { requiredKeys: ['inFlight'] });
  fc.assert(
    fc.property(report, (given) => {
      const read = parseLoadReport(formatLoadReport(given as LoadReport));
      expect(read?.inFlight).toBe(given.inFlight);
      if (given.latencyMs === undefined) expect(read?.latencyMs).toBeUndefined();
      else expect(Math.abs(read!.latencyMs! - given.latencyMs)).toBeLessThanOrEqual(0.0005001);
    }),
  );
});

it.each<[string, LoadReport | undefined]>([
  ['TEXT cpu_utilization=0.3,named_metrics.rif=4, named_metrics.latency_ms=1e2,eps=2', { inFlight: 4, latencyMs: 100, utilization: 0.3 }],
  ['TEXT application_utilization=1.2,cpu_utilization=0.3,named_metrics.rif=4', { inFlight: 4, utilization: 1.2 }],
  ['TEXT application_utilization=0,cpu_utilization=0.3,named_metrics.rif=4', { inFlight: 4, utilization: 0.3 }],
  ['TEXT named_metrics.cpu_utilization=0.3,cpu_utilization=-1,named_metrics.rif=4', { inFlight: 4 }],
  ['TEXT named_metrics.rif:4,named_metrics.latency_ms:7', { inFlight: 4, latencyMs: 7 }],
  ['TEXT named_metrics.rif=4,named_metrics.latency_ms=-7', { inFlight: 4 }],
  ['TEXT named_metrics.rif=4,named_metrics.latency_ms=fast', { inFlight: 4 }],
  ['TEXT named_metrics.latency_ms=7', undefined],
  ['TEXT cpu_utilization=0.3', { utilization: 0.3 }],
  ['TEXT cpu_utilization=0', undefined],
  ['TEXT named_metrics.rif=-1', undefined],
  ['TEXT named_metrics.rif=1e400', undefined],
  ['TEXT named_metrics.rif=1.2.3', undefined],
  ['JSON {"named_metrics":{"rif":4}}', undefined],
  ['named_metrics.rif=4', undefined],
  [`TEXT ${'named_metrics.rif=4,'.repeat(1000)}`, undefined],
  ['', undefined],
])('of %j is %j', (header, report) => {
  expect(parseLoadReport(header)).toEqual(report);
});

it('never throws, for any header', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseLoadReport(`TEXT ${text}`)));
});

it('is found among raw headers, in any case', () => {
  const raw = (...texts: string[]) => texts.map((text) => Buffer.from(text));
  expect(loadReportIn(raw('date', 'today', 'Endpoint-Load-Metrics', 'TEXT named_metrics.rif=2'))).toEqual({ inFlight: 2 });
  expect(loadReportIn(raw('content-type-options-x', 'TEXT named_metrics.rif=2'))).toBeUndefined();
  expect(loadReportIn(raw('endpoint-load-metrics'))).toBeUndefined();
  expect(loadReportIn([])).toBeUndefined();
});
