/** The settings of the store: the engine, and its access over a network. A part of the table of all (`table.ts`). */

import { engineForms, engineSetting, type EngineSetting } from './engine.ts';
import type { Setting } from './setting.ts';
import { file, filled, flag, text } from './values.ts';

export interface EngineSettings {
  /** Undefined: `dev` and `dataDir` determine it. */
  readonly engine: EngineSetting | undefined;
  /** Prefix of the registry's keys in etcd. */
  readonly enginePrefix: string;
  /** PEM; absolute, as all files. */
  readonly engineCaFile: string | undefined;
  readonly engineCertFile: string | undefined;
  readonly engineKeyFile: string | undefined;
  readonly engineUser: string | undefined;
  readonly enginePasswordFile: string | undefined;
  /** etcd was put back from an older copy while no node ran. */
  readonly engineRestored: boolean;
  /** File with a token for the primary. */
  readonly engineTokenFile: string | undefined;
}

export const engineSettings: { readonly [K in keyof EngineSettings]: Setting<EngineSettings[K]> } = {
  engine: {
    flag: '--engine <engine>',
    env: 'ROLLCALL_ENGINE',
    description: `where to store the data: ${engineForms}; several nodes may share an etcd, and node follows another node`,
    fallback: undefined,
    read: (value, folder) => (value === undefined ? undefined : engineSetting(text(value), folder)),
  },
  enginePrefix: {
    flag: '--engine-prefix <prefix>',
    env: 'ROLLCALL_ENGINE_PREFIX',
    description: 'prefix of the keys of this registry in etcd',
    fallback: 'rollcall',
    read: (value) => filled(text(value)),
  },
  engineCaFile: {
    flag: '--engine-ca-file <file>',
    env: 'ROLLCALL_ENGINE_CA_FILE',
    description: 'certificates, in PEM, of the authorities that sign those of etcd or of the other node; the well-known ones when not given',
    fallback: undefined,
    read: file,
  },
  engineCertFile: {
    flag: '--engine-cert-file <file>',
    env: 'ROLLCALL_ENGINE_CERT_FILE',
    description: 'certificate, in PEM, that this node shows to etcd',
    fallback: undefined,
    read: file,
  },
  engineKeyFile: {
    flag: '--engine-key-file <file>',
    env: 'ROLLCALL_ENGINE_KEY_FILE',
    description: 'private key of that certificate, in PEM',
    fallback: undefined,
    read: file,
  },
  engineUser: {
    flag: '--engine-user <name>',
    env: 'ROLLCALL_ENGINE_USER',
    description: 'user of etcd that this node logs in as',
    fallback: undefined,
    read: (value) => (value === undefined ? undefined : filled(text(value))),
  },
  enginePasswordFile: {
    flag: '--engine-password-file <file>',
    env: 'ROLLCALL_ENGINE_PASSWORD_FILE',
    description: "file whose first line is that user's password",
    fallback: undefined,
    read: file,
  },
  engineRestored: {
    flag: '--engine-restored',
    env: 'ROLLCALL_ENGINE_RESTORED',
    description: 'etcd was put back from an older copy of its data while no node ran: begin revisions above all that clients have seen',
    fallback: false,
    read: flag,
  },
  engineTokenFile: {
    flag: '--engine-token-file <file>',
    env: 'ROLLCALL_ENGINE_TOKEN_FILE',
    description: 'file whose first line is a token for the node that this one follows',
    fallback: undefined,
    read: file,
  },
};
