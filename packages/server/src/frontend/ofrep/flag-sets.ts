/** The flags that a client gets: the first layer of a configuration of the format `flags`, compiled once for each release. */

import { parseFlags, RegistryError, type FlagSet } from '@rollcall/protocol';
import type { ConfigName, Layer } from '../../registry/kind/config/resolve.ts';
import type { ReleaseRow } from '../../registry/kind/config/rows.ts';

export interface Found {
  readonly release: ReleaseRow;
  readonly flags: FlagSet;
}

export class FlagSets {
  /** Releases never change; a set is dropped with the row of its release. */
  readonly #sets = new WeakMap<ReleaseRow, FlagSet>();

  /** @throws RegistryError `not_found` without a release for the client; `failed_precondition` when its content has no flags */
  find(name: ConfigName, [layer]: readonly Layer[]): Found {
    if (layer === undefined) throw new RegistryError('not_found', `there is no configuration ${name.app}/${name.name}; the base URL of the client is http://SERVER/ofrep/APP/NAME`);
    const { release } = layer;
    let flags = this.#sets.get(release);
    if (flags === undefined) {
      const parsed = parseFlags(Buffer.from(release.content.buffer, release.content.byteOffset, release.content.length).toString('utf8'));
      if (!parsed.ok) throw new RegistryError('failed_precondition', `configuration ${name.app}/${name.name} has no definitions of flags: ${parsed.message}`);
      flags = parsed.flags;
      this.#sets.set(release, flags);
    }
    return { release, flags };
  }
}
