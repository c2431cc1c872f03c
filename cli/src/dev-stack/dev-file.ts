/**
 * `dev.json`: how other programs find the running local stack. Written when everything answers,
 * removed when it stops, readable by its owner alone (it carries the admin token).
 */

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseJsonObject } from '../json-object.ts';
import { writePrivateFile } from './private-file.ts';

export interface DevFile {
  readonly control_plane_url: string;
  readonly edge_url: string;
  readonly origin_url: string;
  readonly admin_token: string;
  readonly kv_namespace_id: string;
  readonly feed_public_keys: readonly string[];
  readonly pids: {
    readonly control_plane: number;
    readonly edge: number;
    /** Null where the edge stands in front of the user's own server. */
    readonly origin: number | null;
  };
}

export function writeDevFile(stateFolder: string, content: DevFile): void {
  writePrivateFile(devFilePath(stateFolder), `${JSON.stringify(content, null, 2)}\n`);
}

export function removeDevFile(stateFolder: string): void {
  rmSync(devFilePath(stateFolder), { force: true });
}

/** The part of the file that commands need, or `undefined` if there is none that can be read. */
export function readDevFile(
  stateFolder: string,
): Pick<DevFile, 'control_plane_url' | 'edge_url' | 'admin_token'> | undefined {
  const path = devFilePath(stateFolder);
  if (!existsSync(path)) return undefined;
  const content = parseJsonObject(readFileSync(path, 'utf8'));
  const { control_plane_url, edge_url, admin_token } = content ?? {};
  if (typeof control_plane_url !== 'string' || typeof admin_token !== 'string') return undefined;
  const edgeUrl = typeof edge_url === 'string' ? edge_url : '';
  return { control_plane_url, edge_url: edgeUrl, admin_token };
}

function devFilePath(stateFolder: string): string {
  return join(stateFolder, 'dev.json');
}
