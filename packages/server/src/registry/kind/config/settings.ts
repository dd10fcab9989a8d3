/** What belongs to a configuration and to none of its releases: how a command changes it, and what the history says of that. */

import { configLimits as limits, type ConfigSettings } from './commands.ts';
import type { ConfigRow, SettingChange } from './rows.ts';

type Changed = { -readonly [Field in keyof ConfigRow]?: ConfigRow[Field] | undefined };

/** The fields of the row that settings change; what they empty is undefined. */
export function settled({ visibility, schema, bytesMax, owner, ...rest }: ConfigSettings): Changed {
  return {
    ...rest,
    ...(visibility === undefined ? {} : { visibility: visibility === 'public' ? visibility : undefined }),
    ...(schema === undefined ? {} : { schema: schema === '' ? undefined : schema }),
    ...(bytesMax === undefined ? {} : { bytesMax: bytesMax === 0 ? undefined : bytesMax }),
    ...(owner === undefined ? {} : { owner: owner === 'git' ? owner : undefined }),
  };
}

/** What settings would change of a row. @param before undefined: it does not exist yet */
export function changesOf(before: ConfigRow | undefined, settings: ConfigSettings): readonly SettingChange[] {
  return Object.entries(settled(settings)).flatMap(([field, value]): SettingChange[] => {
    const [from, to] = [emptied(before?.[field as keyof ConfigRow]), emptied(value)];
    // What a protocol keeps for itself is not for people.
    if (field === 'foreign' || same(from, to)) return [];
    return [{ setting: field, ...(from === undefined ? {} : { before: shown(from) }), ...(to === undefined ? {} : { after: shown(to) }) }];
  });
}

function shown(value: unknown): unknown {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= limits.settingShownMax ? value : `${text.slice(0, limits.settingShownMax)}… (${text.length} characters)`;
}

/** As it is written: an empty text or list is none. */
export function emptied(value: unknown): unknown {
  return value === '' || (Array.isArray(value) && value.length === 0) ? undefined : value;
}

export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
