/**
 * How large an answer may be. Pure.
 *
 * Over UDP as Consul has it (https://developer.hashicorp.com/consul/docs/reference/agent/configuration-file/dns,
 * `udp_answer_limit`): without EDNS 512 bytes (RFC 1035 §4.2.1) and 3 records, a random choice; with EDNS as
 * many bytes as the client says, up to a limit of ours. Over TCP what a length of 16 bits allows.
 */

/** RFC 1035 §4.2.1: what every client can receive. */
export const plainUdpBytes = 512;

/** RFC 1035 §4.2.2. */
export const tcpBytesMax = 65_535;

/** The largest packet that nothing on the way has to split (https://www.dnsflagday.net/2020/). */
export const udpBytesDefault = 1_232;

/** One query's share of the rate limit: a longer answer over UDP counts as several. */
export const bytesPerQuery = plainUdpBytes;

/** Payloads that fit beside the headers of IPv4 and UDP, and some options. */
export const udpBytesHighest = 65_467;

/** Consul's `udp_answer_limit`. */
export const udpRecordsDefault = 3;

/** What clients announce is rounded down to this, so that few sizes of the same answer are kept. */
const step = 128;

/** Instead of a number of steps: no limit but that of TCP, and all that we send over UDP. */
const overTcp = 0;
const wholeUdp = 1;

export interface UdpLimits {
  /** Most bytes of an answer over UDP, from 512 to 65,467. */
  readonly udpBytesMax: number;
  /** Most records of a choice in an answer of 512 bytes. */
  readonly udpRecordsMax: number;
}

export interface Room {
  readonly bytesMax: number;
  readonly recordsMax: number;
  /** The answer carries OPT, as the query did (RFC 6891 §6.1.1). */
  readonly edns: boolean;
}

/**
 * What shapes an answer besides its question, in 16 bits.
 * @param ednsBytes what OPT announces; undefined without OPT
 */
export function shapeOf(udp: boolean, ednsBytes: number | undefined, limits: UdpLimits): number {
  const edns = ednsBytes === undefined ? 0 : 1;
  if (!udp) return (overTcp << 1) | edns;
  const bytes = Math.max(plainUdpBytes, ednsBytes ?? 0);
  return ((bytes >= limits.udpBytesMax ? wholeUdp : Math.floor(bytes / step)) << 1) | edns;
}

export function roomOf(shape: number, limits: UdpLimits): Room {
  const edns = (shape & 1) === 1;
  const size = shape >> 1;
  if (size === overTcp) return { bytesMax: tcpBytesMax, recordsMax: Infinity, edns };
  const bytesMax = size === wholeUdp ? limits.udpBytesMax : size * step;
  return { bytesMax, recordsMax: bytesMax > plainUdpBytes ? Infinity : limits.udpRecordsMax, edns };
}
