/** Record keys of the rows about members. */

export const membersKey = 'members';

/** Name of the bucket with all machines that have failed. */
export const failedBucket = 'failed-members';

export const failedKey = (nodeId: string) => `failed-member\0${nodeId}`;

/** @param of record key of a check or a session */
export const claimKey = (of: string) => `claim\0${of}`;
