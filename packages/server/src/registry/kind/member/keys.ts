/** Record keys of the rows about members. */

export const membersKey = 'members';

/** @param of record key of a check or a session */
export const claimKey = (of: string) => `claim\0${of}`;
