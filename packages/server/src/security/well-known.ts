/** Ids and secrets that every registry with access control has. The values are those of Consul. */

/** The first 120 bits of ids that only built-in records have. */
export const reservedIdPrefix = '00000000-0000-0000-0000-0000000000';

/** The token of requests that bring none. */
export const anonymousAccessor = '00000000-0000-0000-0000-000000000002';
export const anonymousSecret = 'anonymous';

export const managementPolicyId = '00000000-0000-0000-0000-000000000001';
