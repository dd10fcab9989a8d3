/** The bodies of operations that stand alone and in a `multi` (`zookeeper.jute`). */

import { bool, buffer, int, long, record, string } from './codec.ts';
import { acls } from './records.ts';

export const createRequest = record({ path: string, data: buffer, acl: acls, flags: int });
/** @see createRequest; `ttl` is in milliseconds */
export const createTtlRequest = record({ path: string, data: buffer, acl: acls, flags: int, ttl: long });
export const deleteRequest = record({ path: string, version: int });
export const setDataRequest = record({ path: string, data: buffer, version: int });
export const checkRequest = record({ path: string, version: int });
export const pathAndWatch = record({ path: string, watch: bool });
export const onlyPath = record({ path: string });
