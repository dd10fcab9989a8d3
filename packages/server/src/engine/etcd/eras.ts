/**
 * Eras: they convert revisions of etcd to revisions of the registry.
 *
 *   era      from etcd's revision   offset
 *   first            1                 0      etcd's 1..600 are 1..600
 *   second         601               400      etcd's 601.. are 1001..
 *
 * Revisions of the registry must never go back. Those of etcd do when it is restored from a backup, and they may be lower than
 * those of a registry that was migrated to etcd. At each such moment an era with a new offset begins. Eras are only added, so a
 * revision means the same transaction at all times. They are one record in etcd, which every transaction expects unchanged.
 */

import { RegistryError } from '@rollcall/protocol';

export interface Era {
  /** The first revision of etcd that it applies to. */
  readonly from: number;
  /** The revision of the registry is that of etcd plus this. */
  readonly offset: number;
  /** Id of the etcd cluster on which it began: a cluster that is restored from a snapshot has another id. */
  readonly cluster: string;
  /** It began because etcd had gone back, so records from before it may be older than those that readers have seen. */
  readonly restored?: true;
}

/** Format of the record. */
const format = 1;

export class Eras {
  readonly list: readonly Era[];

  constructor(list: readonly Era[]) {
    this.list = list;
  }

  static first(cluster: string): Eras {
    return new Eras([{ from: 1, offset: 0, cluster }]);
  }

  /** @throws RegistryError `failed_precondition` when a newer Rollcall wrote it, `data_loss` when it cannot be read */
  static parse(value: Uint8Array): Eras {
    let content: { readonly format?: unknown; readonly eras?: readonly Era[] };
    try {
      content = JSON.parse(Buffer.from(value).toString()) as typeof content;
    } catch (error) {
      throw new RegistryError('data_loss', 'the eras of the registry in etcd cannot be read; was the key changed by hand?', { cause: error });
    }
    if (content.format !== format || content.eras === undefined || content.eras.length === 0) {
      const message = `the registry in etcd has format ${String(content.format)}, this Rollcall reads ${format}; use a newer Rollcall`;
      throw new RegistryError('failed_precondition', message);
    }
    return new Eras(content.eras);
  }

  encode(): Buffer {
    return Buffer.from(JSON.stringify({ format, eras: this.list }));
  }

  get last(): Era {
    return this.list.at(-1) as Era;
  }

  /** The first revision since etcd last went back; 0 when it never did. Readers may have seen lost transactions below it. */
  get base(): number {
    const restored = this.list.findLast((era) => era.restored === true);
    return restored === undefined ? 0 : restored.from + restored.offset;
  }

  /** Converts a revision of etcd to one of the registry; 0 stays 0. */
  ours(etcd: number): number {
    if (etcd === 0) return 0;
    for (let at = this.list.length - 1; at > 0; at--) {
      const era = this.list[at] as Era;
      if (etcd >= era.from) return etcd + era.offset;
    }
    return etcd + (this.list[0] as Era).offset;
  }

  /** Converts a revision of the registry to one of etcd; undefined when no transaction can have it. */
  etcds(ours: number): number | undefined {
    const etcd = this.etcdsUpTo(ours);
    return this.ours(etcd) === ours ? etcd : undefined;
  }

  /** The newest revision of etcd whose revision of the registry is at most the given one. */
  etcdsUpTo(ours: number): number {
    for (let at = this.list.length - 1; at >= 0; at--) {
      const { from, offset } = this.list[at] as Era;
      if (ours < from + offset) continue;
      const end = this.list[at + 1]?.from ?? Infinity;
      return Math.min(ours - offset, end - 1);
    }
    return 0;
  }

  /**
   * The eras with a new one, so that the transaction at etcd's revision `from` gets at least the revision `ours`. Offsets never
   * shrink.
   */
  with({ from, ours, cluster, restored = false }: { from: number; ours: number; cluster: string; restored?: boolean }): Eras {
    const offset = Math.max(this.last.offset, ours - from);
    return new Eras([...this.list, { from, offset, cluster, ...(restored ? { restored: true as const } : {}) }]);
  }
}
