/**
 * A load report in binary, as gRPC sends it in the trailer `endpoint-load-metrics-bin`: the message
 * `xds.data.orca.v3.OrcaLoadReport` (https://github.com/cncf/xds), of which `named_metrics` and the utilisation of the
 * application or of the processor are used, in the wire form of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/).
 *
 *     0x42 length ( 0x0a length name  0x11 double )  for each metric: field 8, an entry of map<string, double>
 *     0x49 double                                    utilisation of the application: field 9
 */

import { inFlightMetric, latencyMetric, type LoadReport, loadReport } from './load-report.ts';

/** The trailer's name; gRPC encodes values of names that end in `-bin`. */
export const loadTrailer = 'endpoint-load-metrics-bin';

const namedMetricsField = 8;
const cpuField = 1;
/** `application_utilization`. */
const utilizationField = 9;
const nameTag = 0x0a;
const valueTag = 0x11;

/** Wire types. */
const varint = 0;
const eightBytes = 1;
const lengthPrefixed = 2;
const fourBytes = 5;

/** Longest message that is read, in bytes; one of ours has about 40. */
const bytesMax = 64 * 1024;

export function encodeLoadReport({ inFlight, latencyMs, utilization }: LoadReport): Buffer {
  const entries: Buffer[] = [];
  if (inFlight !== undefined) entries.push(entry(inFlightMetric, inFlight));
  if (latencyMs !== undefined) entries.push(entry(latencyMetric, latencyMs));
  if (utilization !== undefined) entries.push(double(utilizationField, utilization));
  return Buffer.concat(entries);
}

/** @returns undefined if the bytes are not such a message, or have neither requests in flight nor utilisation */
export function decodeLoadReport(message: Uint8Array): LoadReport | undefined {
  if (message.length > bytesMax) return undefined;
  const metrics = new Map<string, number>();
  for (const entryBytes of fieldsOf(message, namedMetricsField) ?? []) {
    const [name] = fieldsOf(entryBytes, 1) ?? [];
    const [value] = fieldsOf(entryBytes, 2) ?? [];
    if (name === undefined || value?.length !== 8) continue;
    metrics.set(Buffer.from(name).toString(), viewOf(value).getFloat64(0, true));
  }
  const used = (field: number) => {
    const [value] = fieldsOf(message, field) ?? [];
    return value?.length === 8 ? viewOf(value).getFloat64(0, true) : undefined;
  };
  return loadReport(metrics.get(inFlightMetric), metrics.get(latencyMetric), used(utilizationField), used(cpuField));
}

function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = (field << 3) | eightBytes;
  bytes.writeDoubleLE(value, 1);
  return bytes;
}

/** Names are short: every length takes one byte. */
function entry(name: string, value: number): Buffer {
  const bytes = Buffer.alloc(2 + 2 + name.length + 9);
  bytes.set([(namedMetricsField << 3) | lengthPrefixed, bytes.length - 2, nameTag, name.length]);
  bytes.write(name, 4, 'latin1');
  bytes[4 + name.length] = valueTag;
  bytes.writeDoubleLE(value, 5 + name.length);
  return bytes;
}

/** The content of one field, for each occurrence; undefined when the message is malformed. */
function fieldsOf(message: Uint8Array, field: number): Uint8Array[] | undefined {
  const found: Uint8Array[] = [];
  let at = 0;
  /** −1 at the end of the message, or when the value is too large for a length. */
  const readVarint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70 && at < message.length; shift += 7) {
      const byte = message[at++] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return -1;
  };
  while (at < message.length) {
    const tag = readVarint();
    if (tag <= 0) return undefined;
    const type = tag & 7;
    let length: number;
    if (type === varint) {
      if (readVarint() === -1) return undefined;
      length = 0;
    } else if (type === eightBytes) length = 8;
    else if (type === fourBytes) length = 4;
    else if (type === lengthPrefixed) length = readVarint();
    else return undefined;
    if (length < 0 || at + length > message.length) return undefined;
    if (Math.floor(tag / 8) === field && type !== varint) found.push(message.subarray(at, at + length));
    at += length;
  }
  return found;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
