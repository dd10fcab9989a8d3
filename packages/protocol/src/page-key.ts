/** How a page of the console sends its half of the session: 32 random bytes in base64url. The other half is in a cookie. */

/** Of HTTP requests; in lower case, as Node has it. */
export const pageKeyHeader = 'x-rollcall-page-key';

/** The handshake of a WebSocket has no headers of the page's: it names this subprotocol, which the server takes, … */
export const pageProtocol = 'rollcall';

/** … and one that begins so and ends with the key. */
export const pageKeyProtocol = 'rollcall.page-key.';
