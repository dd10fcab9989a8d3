/** Limits of the front end, and the reason for each number. Those of all protocols are in `options.ts` of the server. */

/** Requests of one connection that wait or are under way; the server reads no more from it meanwhile. ZooKeeper's `globalOutstandingLimit`. */
export const outstandingMax = 1_000;

/** Requests of one connection between two turns of the event loop: less than a millisecond of short ones. */
export const requestsPerTurn = 64;

/** While so many bytes wait for the client to read them, its requests wait, too: a packet of the largest size. */
export const unreadBytesMax = 1_048_576;

/** A client that lets so many bytes of events wait is cut: it connects again, and sees by its watches what it has missed. */
export const eventBytesMax = 8_388_608;

/** Paths that one connection watches. Some 20 MB of memory. */
export const watchedPathsMax = 100_000;

/** Lists of children up to this length are encoded at once, in some 2 ms; longer ones in slices. */
export const childrenAtOnce = 5_000;

/** Within which a client must ask for a session after it has connected. */
export const handshakeMs = 10_000;

/** When the server closes, connections that have not ended after this time are cut. */
export const closeGraceMs = 1_000;
