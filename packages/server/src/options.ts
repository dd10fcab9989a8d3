/** Limits and defaults of the server. Every number says why it is that number. */

export interface Limits {
  /** Largest KV value in bytes. Consul's default (`agent/config/default.go`). */
  readonly kvValueBytesMax: number;
  /** Largest body of any other request in bytes. */
  readonly bodyBytesMax: number;
  /** Requests that may wait for a change at the same time, over all connections. */
  readonly parkedMax: number;
  /** Open connections on the HTTP listeners together. */
  readonly connectionsMax: number;
  /** Those from one address (IPv6: one /64) that is not loopback: one client, not all who are behind it. */
  readonly connectionsPerAddressMax: number;
  /** Bytes that the headers of a request may have. */
  readonly headerBytesMax: number;
  /** Milliseconds in which the headers of a request must arrive, or a TLS handshake. */
  readonly headersMsMax: number;
  /** Milliseconds in which a whole request must arrive. */
  readonly requestMsMax: number;
  /** Milliseconds after which a connection is closed on which nothing moves, though an answer is on its way or awaited. */
  readonly stuckMsMax: number;
  /** Bytes of encoded answers kept for reuse. */
  readonly answerBytesMax: number;
  /** Largest frame that a stream client may send, in bytes. */
  readonly frameBytesMax: number;
  /** Bytes that may wait in a stream's send buffer before it is coalesced. */
  readonly streamBufferBytesMax: number;
  /** Views that one stream may watch. */
  readonly watchesPerStreamMax: number;
  /** Instances that one stream session may vouch for. */
  readonly instancesPerStreamMax: number;
  /** Probes that may run at the same time. */
  readonly probesMax: number;
  /** Bytes that a backup may unpack to when it is restored; they are held in memory. */
  readonly restoreBytesMax: number;
}

export const defaultLimits: Limits = {
  kvValueBytesMax: 524_288,
  bodyBytesMax: 1_048_576,
  parkedMax: 50_000,
  // What most systems let one address of ours have at the same time.
  connectionsMax: 65_000,
  // A process with hundreds of parked queries is usual; a NAT with a thousand is the operator's to know.
  connectionsPerAddressMax: 1_024,
  // Node's own default; a token, a selector and cookies of other programs on the same host name fit.
  headerBytesMax: 16_384,
  // Slower than any network, faster than an attack with one byte a second can use.
  headersMsMax: 10_000,
  requestMsMax: 60_000,
  // Blocking queries wait ten minutes and a sixteenth at most; who reads nothing for longer is not reading.
  stuckMsMax: 900_000,
  answerBytesMax: 67_108_864,
  frameBytesMax: 1_048_576,
  streamBufferBytesMax: 1_048_576,
  watchesPerStreamMax: 10_000,
  instancesPerStreamMax: 1_000,
  probesMax: 128,
  restoreBytesMax: 1_073_741_824,
};
