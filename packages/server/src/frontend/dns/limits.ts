/**
 * How large an answer may be. Pure.
 *
 * Over UDP as in Consul (https://developer.hashicorp.com/consul/docs/reference/agent/configuration-file/dns,
 * `udp_answer_limit`): without EDNS 512 bytes (RFC 1035 §4.2.1) and 3 random records; with EDNS as many bytes as the client
 * announces, up to a limit. Over TCP as many as a length of 16 bits allows.
 */

/** RFC 1035 §4.2.1: every client can receive so many bytes. */
export const plainUdpBytes = 512;

/** RFC 1035 §4.2.2. */
export const tcpBytesMax = 65_535;

/** The largest packet that no network on the way has to fragment (https://www.dnsflagday.net/2020/). */
export const udpBytesDefault = 1_232;

/** For the rate limit, an answer over UDP counts as one query for each of these bytes. */
export const bytesPerQuery = plainUdpBytes;

/** The largest payload that fits into a packet beside the headers of IPv4 and UDP, and some options. */
export const udpBytesHighest = 65_467;

/** Consul's `udp_answer_limit`. */
export const udpRecordsDefault = 3;

/** Announced sizes are rounded down to a multiple of this, so that few sizes of the same answer are kept. */
const step = 128;

/** Values in the place of a number of steps: the limit of TCP, and the most that is sent over UDP. */
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
  /** Whether the answer has OPT, as the query had (RFC 6891 §6.1.1). */
  readonly edns: boolean;
}

/**
 * The shape of an answer, in 16 bits: its size and whether it has OPT.
 * @param ednsBytes announced by OPT; undefined without OPT
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
