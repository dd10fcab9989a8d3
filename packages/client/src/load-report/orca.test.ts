import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LoadReport } from './load-report.ts';
import { decodeLoadReport, encodeLoadReport } from './orca.ts';

it('is encoded as an OrcaLoadReport', () => {
  // named_metrics { key: "rif" value: 2 }: field 8, entry of 14 bytes, "rif", 2 as a double.
  expect(encodeLoadReport({ inFlight: 2 }).toString('hex')).toBe('420e0a03726966110000000000000040');
});

it('has the same values after writing and reading', () => {
  const report = fc.record({ inFlight: fc.nat(1e9), latencyMs: fc.double({ min: 0, max: 1e9, noNaN: true }) }, { requiredKeys: ['inFlight'] });
  fc.assert(
    fc.property(report, (given) => {
      const read = decodeLoadReport(encodeLoadReport(given as LoadReport));
      expect(read?.inFlight).toBe(given.inFlight);
      expect(read?.latencyMs ?? -1).toBeCloseTo(given.latencyMs ?? -1, 12);
    }),
  );
});

it('contains the utilisation of the application, or otherwise that of the processor', () => {
  // application_utilization 0.75: field 9.
  expect(encodeLoadReport({ inFlight: 2, utilization: 0.75 }).toString('hex')).toBe('420e0a0372696611000000000000004049000000000000e83f');
  const report = encodeLoadReport({ inFlight: 2, utilization: 0.75 });
  const cpu = Buffer.from('09000000000000e03f', 'hex');
  expect(decodeLoadReport(Buffer.concat([cpu, report]))?.utilization).toBe(0.75);
  expect(decodeLoadReport(Buffer.concat([cpu, encodeLoadReport({ inFlight: 2, utilization: 0 })]))?.utilization).toBe(0.5);
});

it('is found beside metrics of others', () => {
  // cpu_utilization 0.5 (field 1), rps 300 as a varint (field 3), utilization { "x": 1 } (field 5).
  const others = Buffer.from('09000000000000e03f18ac022a0c0a017811000000000000f03f', 'hex');
  const report = encodeLoadReport({ inFlight: 7, latencyMs: 1.5 });
  expect(decodeLoadReport(Buffer.concat([others, report]))).toEqual({ inFlight: 7, latencyMs: 1.5, utilization: 0.5 });
  expect(decodeLoadReport(Buffer.concat([report, others]))).toEqual({ inFlight: 7, latencyMs: 1.5, utilization: 0.5 });
  expect(decodeLoadReport(others)).toEqual({ utilization: 0.5 });
});

it('is undefined for truncated bytes, and reading never throws', () => {
  const report = encodeLoadReport({ inFlight: 7 });
  for (let length = 0; length < report.length; length++) expect(decodeLoadReport(report.subarray(0, length))).toBeUndefined();
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void decodeLoadReport(bytes)));
  const broken = fc.tuple(fc.nat(report.length - 1), fc.nat(255));
  fc.assert(
    fc.property(broken, ([at, value]) => {
      const bytes = Uint8Array.from(report);
      bytes[at] = value;
      decodeLoadReport(bytes);
    }),
  );
});
