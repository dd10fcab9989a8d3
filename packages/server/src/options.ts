/** Limits of the server and their defaults, with the reason for each number. */

export interface Limits {
  /** Largest KV value in bytes. Consul's default (`agent/config/default.go`). */
  readonly kvValueBytesMax: number;
  /** Largest body of any other request in bytes. */
  readonly bodyBytesMax: number;
  /** Requests that may wait for a change at the same time, over all connections. */
  readonly parkedMax: number;
  /** Open connections on all HTTP listeners together. */
  readonly connectionsMax: number;
  /** Open connections from one address (IPv6: one /64) except loopback. */
  readonly connectionsPerAddressMax: number;
  /** Bytes that the headers of a request may have. */
  readonly headerBytesMax: number;
  /** Milliseconds within which the headers of a request must arrive, or a TLS handshake must end. */
  readonly headersMsMax: number;
  /** Milliseconds within which a whole request must arrive. */
  readonly requestMsMax: number;
  /** Milliseconds without traffic after which a connection is closed, even while a request waits or an answer is sent. */
  readonly stuckMsMax: number;
  /** Bytes of encoded answers kept for reuse. */
  readonly answerBytesMax: number;
  /** Largest frame that a stream client may send, in bytes. */
  readonly frameBytesMax: number;
  /** Bytes in a stream's send buffer above which updates are merged. */
  readonly streamBufferBytesMax: number;
  /** Views that one stream may watch. */
  readonly watchesPerStreamMax: number;
  /** Instances that one stream session may vouch for. */
  readonly instancesPerStreamMax: number;
  /** Probes that may run at once. */
  readonly probesMax: number;
  /** Wrong tokens and failed logins that one address may send at once; the server forgives 5 of them each second. */
  readonly failuresPerAddressMax: number;
  /** Unpacked bytes of a backup that may be restored; they are held in memory. */
  readonly restoreBytesMax: number;
}

export const defaultLimits: Limits = {
  kvValueBytesMax: 524_288,
  bodyBytesMax: 1_048_576,
  parkedMax: 50_000,
  // Most systems allow about this many connections from one local address.
  connectionsMax: 65_000,
  // Enough for a process with hundreds of parked queries. Raise it if more than 1,000 clients share one address (NAT).
  connectionsPerAddressMax: 1_024,
  // Node's default: enough for a token, a selector, and cookies of other programs on the same host name.
  headerBytesMax: 16_384,
  // Enough for any network, too short for an attack that sends one byte a second.
  headersMsMax: 10_000,
  requestMsMax: 60_000,
  // Blocking queries wait for at most ten minutes plus a sixteenth; a longer silence means that the client is stuck.
  stuckMsMax: 900_000,
  answerBytesMax: 67_108_864,
  frameBytesMax: 1_048_576,
  streamBufferBytesMax: 1_048_576,
  watchesPerStreamMax: 10_000,
  instancesPerStreamMax: 1_000,
  probesMax: 128,
  // Clients that start with an old token try it a few times; 128 bits cannot be guessed at 5 a second. Raise it for NAT.
  failuresPerAddressMax: 50,
  restoreBytesMax: 1_073_741_824,
};
