/**
 * Encodes and decodes the two messages of `grpc.health.v1.Health/Check` by hand: each has one field.
 * Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md and
 * https://protobuf.dev/programming-guides/encoding/.
 */

export const checkPath = '/grpc.health.v1.Health/Check';

const servingStatuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;

const unreadable = 'the health response cannot be read';

export type ServingStatus = (typeof servingStatuses)[number];

/** `message HealthCheckRequest { string service = 1; }` */
export function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service);
  if (name.length === 0) return Buffer.alloc(0);
  return Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
}

/** `message HealthCheckResponse { ServingStatus status = 1; }` @throws Error for bytes that are not one */
export function decodeResponse(bytes: Buffer): ServingStatus {
  let status = 0;
  let at = 0;
  const read = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 63) throw new Error(unreadable);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const skip = (length: number) => {
    at += length;
    if (at > bytes.length) throw new Error(unreadable);
  };
  while (at < bytes.length) {
    const tag = read();
    if (tag === 0x08) {
      status = read();
      continue;
    }
    // An unknown field is skipped by its wire type.
    switch (tag % 8) {
      case 0:
        read();
        break;
      case 1:
        skip(8);
        break;
      case 2:
        skip(read());
        break;
      case 5:
        skip(4);
        break;
      default:
        throw new Error(unreadable);
    }
  }
  return servingStatuses[status] ?? 'UNKNOWN';
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 128))];
}
