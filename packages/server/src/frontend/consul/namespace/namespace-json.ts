/** Converts a namespace of the registry to the object of Consul's API (`api/namespace.go`, MPL-2.0). Pure. */

import { defaultNamespace } from '@rollcall/protocol';
import { findRecord } from '../../../registry/kind/record/find.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import type { Reader } from '../../../registry/reader.ts';
import { policyOf, recordTypes, roleOf } from '../../../security/records.ts';
import { kept } from '../wire/foreign.ts';

/** The fields that a row keeps for this API, besides `DeletedAt`. */
export type DefaultIds = { readonly PolicyDefaults: readonly string[]; readonly RoleDefaults: readonly string[] };

/** @param row undefined for `default`, which exists without a row until its description is written */
export function namespaceJson(state: Reader, name: string, row: RowOf<'namespace'> | undefined): object {
  const acls = aclsJson(state, row);
  const deletedAt = row?.ending === true ? (kept(row)['DeletedAt'] ?? zeroTime) : undefined;
  return {
    Name: name,
    Description: row?.description ?? (name === defaultNamespace ? 'Builtin Default Namespace' : ''),
    ...(acls === undefined ? {} : { ACLs: acls }),
    ...(row === undefined || Object.keys(row.meta).length === 0 ? {} : { Meta: row.meta }),
    ...(deletedAt === undefined ? {} : { DeletedAt: deletedAt }),
    CreateIndex: row?.created ?? 1,
    ModifyIndex: row?.modified ?? 1,
  };
}

/** Shown for a namespace that another protocol deletes. */
const zeroTime = '0001-01-01T00:00:00Z';

/**
 * The default policies and roles, by their present names. Their ids are stored in the row, so that an answer changes
 * with it; access control has its own record of them (`security/`).
 */
function aclsJson(state: Reader, row: RowOf<'namespace'> | undefined): object | undefined {
  const { PolicyDefaults = [], RoleDefaults = [] } = (row === undefined ? {} : kept(row)) as Partial<DefaultIds>;
  if (PolicyDefaults.length === 0 && RoleDefaults.length === 0) return undefined;
  const links = (ids: readonly string[], type: string, nameOf: (record: RowOf<'record'>) => string) =>
    ids.flatMap((ID) => {
      const record = findRecord(state, defaultNamespace, type, ID);
      return record === undefined ? [] : [{ ID, Name: nameOf(record) }];
    });
  return {
    PolicyDefaults: links(PolicyDefaults, recordTypes.policy, (record) => policyOf(record).name),
    RoleDefaults: links(RoleDefaults, recordTypes.role, (record) => roleOf(record).name),
  };
}
