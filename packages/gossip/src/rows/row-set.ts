/**
 * The rows of all members as one member knows them. Only the owner writes a row, so `(generation, version)` orders all
 * writes, and merging in any order gives the same rows (docs/decisions/0116). It does no I/O; the values are text that it
 * does not read.
 */

import { RegistryError, hash32 } from '@rollcall/protocol';
import type { OwnerDigest, OwnerRows, RowUpdate } from '../messages.ts';
import { OwnedRows } from './owned-rows.ts';

/** Rows of one owner, and the bytes of all of them. */
export const rowsMax = 1_000;
const rowsBytesMax = 1_048_576;

/** Largest value of a row, in UTF-16 code units. */
export const valueMax = 16_384;

/** Bytes of rows in one message of an exchange, about; the next exchange brings the rest. */
const answerBytesMax = 4_194_304;

/** Bytes of a row besides key and value, about. */
const rowBytes = 16;

/** The row that each owner has from its start: with it all members know its generation, and drop rows of an earlier one. */
const profileKey = '';

export interface RowSetOptions {
  readonly owner: string;
  /** That of the owner's start; higher than that of any earlier process with its name. */
  readonly generation: number;
  /** Whether an owner lives, of which the first row arrives. */
  readonly lives: (owner: string) => boolean;
  /** Called with each row that changed; undefined: it was removed. Also for rows of owners that do not live. */
  readonly changed: (owner: string, key: string, value: string | undefined) => void;
  /** Called with each write of this owner. */
  readonly announce: (update: RowUpdate) => void;
}

interface Owner {
  rows: OwnedRows;
  /** Rows of other owners are kept, but do not count in the hash. */
  isLiving: boolean;
}

export class RowSet {
  readonly #options: RowSetOptions;
  readonly #owners = new Map<string, Owner>();
  readonly #own: Owner;
  #version = 0;
  #hash = 0;

  constructor(options: RowSetOptions) {
    this.#options = options;
    this.#own = { rows: new OwnedRows(options.generation), isLiving: true };
    this.#owners.set(options.owner, this.#own);
  }

  /** Writes the first row; `announce` is called from now on. */
  start(nowMs: number): void {
    this.#write(profileKey, '', nowMs);
  }

  /** The same for sets with the same rows of living owners. */
  get hash(): number {
    return this.#hash;
  }

  /**
   * Writes a row of this owner.
   * @throws RegistryError `invalid_argument` for a value that is too large, `resource_exhausted` for too many rows
   */
  put(key: string, value: string, nowMs: number): void {
    const { rows } = this.#own;
    if (value.length > valueMax) throw new RegistryError('invalid_argument', `${key} has ${value.length} characters, the limit of a row is ${valueMax}`);
    if (rows.get(key) === value) return;
    let bytes = sizeOf(key, value);
    for (const [other, text] of rows.entries()) if (other !== key) bytes += sizeOf(other, text);
    const isFull = rows.get(key) === undefined && rows.size >= rowsMax;
    if (isFull) throw new RegistryError('resource_exhausted', `this member has ${rowsMax} rows, which is the limit`);
    if (bytes > rowsBytesMax) throw new RegistryError('resource_exhausted', `the rows of this member would have ${bytes} bytes, the limit is ${rowsBytesMax}`);
    this.#write(key, value, nowMs);
  }

  /** Removes a row of this owner. */
  remove(key: string, nowMs: number): void {
    if (this.#own.rows.get(key) !== undefined) this.#write(key, undefined, nowMs);
  }

  /** @returns whether it is news, to be passed on */
  apply(update: RowUpdate, nowMs: number): boolean {
    const { owner: name, generation, key, value } = update;
    const owner = this.#ownerOf(name, generation, nowMs);
    if (owner === undefined) return false;
    this.#hash ^= hashOf(name, owner);
    const before = owner.rows.get(key);
    const isNews = owner.rows.take(update, nowMs);
    this.#hash ^= hashOf(name, owner);
    if (owner.rows.get(key) !== before) this.#options.changed(name, key, value);
    return isNews;
  }

  merge(received: OwnerRows, nowMs: number): void {
    const { owner: name, generation } = received;
    const owner = this.#ownerOf(name, generation, nowMs);
    if (owner === undefined) return;
    this.#hash ^= hashOf(name, owner);
    const changed = owner.rows.merge(received, nowMs);
    this.#hash ^= hashOf(name, owner);
    for (const key of changed) this.#options.changed(name, key, owner.rows.get(key));
  }

  digests(): OwnerDigest[] {
    return Array.from(this.#owners, ([owner, { rows }]) => ({ owner, generation: rows.generation, known: rows.known }));
  }

  /** Rows that a member with these digests lacks. */
  missing(digests: readonly OwnerDigest[]): OwnerRows[] {
    const theirs = new Map(digests.map((digest) => [digest.owner, digest]));
    const found: OwnerRows[] = [];
    let bytes = 0;
    for (const [name, { rows }] of this.#owners) {
      const their = theirs.get(name);
      if (their !== undefined && their.generation > rows.generation) continue;
      const since = their?.generation === rows.generation ? their.known : 0;
      if (since >= rows.known) continue;
      const after = rows.after(name, since);
      for (const { key, value } of after.rows) bytes += sizeOf(key, value ?? '');
      if (bytes > answerBytesMax && found.length > 0) break;
      found.push(after);
    }
    return found;
  }

  /** Says whether a member lives; the rows of others do not count in the hash. */
  setLiving(name: string, isLiving: boolean): void {
    const owner = this.#owners.get(name);
    if (owner === undefined || owner.isLiving === isLiving) return;
    this.#hash ^= hashOf(name, owner);
    owner.isLiving = isLiving;
    this.#hash ^= hashOf(name, owner);
  }

  /** Forgets owners that the group has forgotten, and old tombstones. */
  prune(isKnown: (owner: string) => boolean, nowMs: number): void {
    for (const [name, owner] of this.#owners) {
      if (owner === this.#own || isKnown(name)) {
        owner.rows.prune(nowMs);
        continue;
      }
      this.#hash ^= hashOf(name, owner);
      this.#owners.delete(name);
      for (const [key] of owner.rows.entries()) this.#options.changed(name, key, undefined);
    }
  }

  #write(key: string, value: string | undefined, nowMs: number): void {
    const { owner } = this.#options;
    const update: RowUpdate = { kind: 'row', owner, generation: this.#own.rows.generation, version: ++this.#version, key, value };
    this.#hash ^= hashOf(owner, this.#own);
    this.#own.rows.take(update, nowMs);
    this.#hash ^= hashOf(owner, this.#own);
    this.#options.changed(owner, key, value);
    this.#options.announce(update);
  }

  /** Where rows of that generation go; undefined: they are of an earlier process, or of this one itself. */
  #ownerOf(name: string, generation: number, nowMs: number): Owner | undefined {
    let owner = this.#owners.get(name);
    if (owner === this.#own) {
      if (generation > owner.rows.generation) this.#renew(generation + 1, nowMs);
      return undefined;
    }
    if (owner === undefined) {
      owner = { rows: new OwnedRows(generation), isLiving: this.#options.lives(name) };
      this.#owners.set(name, owner);
      return owner;
    }
    if (generation < owner.rows.generation) return undefined;
    if (generation > owner.rows.generation) this.#begin(name, owner, generation);
    return owner;
  }

  /** The owner was started again: nothing of its earlier process counts. */
  #begin(name: string, owner: Owner, generation: number): void {
    const former = owner.rows;
    this.#hash ^= hashOf(name, owner);
    owner.rows = new OwnedRows(generation);
    this.#hash ^= hashOf(name, owner);
    for (const [key] of former.entries()) this.#options.changed(name, key, undefined);
  }

  /** Others have rows of an earlier process whose clock was ahead: this one must come after it. */
  #renew(generation: number, nowMs: number): void {
    const { owner } = this.#options;
    const former = this.#own.rows;
    this.#hash ^= hashOf(owner, this.#own);
    this.#own.rows = new OwnedRows(generation);
    this.#hash ^= hashOf(owner, this.#own);
    this.#version = 0;
    for (const [key, value] of former.entries()) this.#write(key, value, nowMs);
  }
}

function hashOf(name: string, { rows, isLiving }: Owner): number {
  return isLiving && rows.known > 0 ? hash32(`${name} ${rows.generation} ${rows.known}`) : 0;
}

function sizeOf(key: string, value: string): number {
  return key.length + value.length + rowBytes;
}
