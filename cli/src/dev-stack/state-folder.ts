/**
 * The state folder: secrets, databases, logs of one local stack. Readable by its owner alone, and
 * used by one stack at a time. Everything that can be wrong with it ends in one `StackFailed`.
 */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { type FreshSecrets, makeFreshSecrets } from '../fresh-secrets.ts';
import { parseJsonObject, textOf } from '../json-object.ts';
import { writePrivateFile } from './private-file.ts';
import { StackFailed } from './stack-failed.ts';
import { findLockHolder, type StackLock, takeLock } from './stack-lock.ts';

const FORMAT_VERSION = 1;
const SECRETS_FILE = 'secrets.json';
const STORAGE_FOLDER = 'storage';
/** Of a control plane on Node without DATABASE_URL. */
const PGLITE_FOLDER = 'pglite';
const LOG_FOLDER = 'logs';
const REGISTRY_FOLDER = 'registry';
const HINT = '("npm run reset" clears it)';

export interface StateFolder {
  readonly path: string;
  /** Where wrangler keeps D1, KV and Durable Objects. */
  readonly storagePath: string;
  readonly logPath: string;
  /** Where wrangler's processes find each other: not those of another stack. */
  readonly registryPath: string;
  readonly secrets: FreshSecrets;
  readonly lock: StackLock;
}

/** Opens the folder for one stack, and makes it and its secrets when it is new. */
export function openStateFolder(path: string): StateFolder {
  return describingFailures(path, () => {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (!statSync(path).isDirectory()) throw new StackFailed(`${path} is not a folder`);
    chmodSync(path, 0o700);
    const lock = takeLock(path);
    try {
      const storagePath = join(path, STORAGE_FOLDER);
      const logPath = join(path, LOG_FOLDER);
      const registryPath = join(path, REGISTRY_FOLDER);
      const secrets = loadSecrets(path) ?? createSecrets(path);
      rmSync(logPath, { recursive: true, force: true });
      for (const folder of [storagePath, logPath, registryPath])
        mkdirSync(folder, { recursive: true, mode: 0o700 });
      return { path, storagePath, logPath, registryPath, secrets, lock };
    } catch (error) {
      lock.release();
      throw error;
    }
  });
}

/**
 * Removes the folder. Refuses while a stack runs on it, and where the folder is not one of ours.
 * Answers whether there was anything to remove.
 */
export function removeStateFolder(path: string): boolean {
  return describingFailures(path, () => {
    if (!existsSync(path)) return false;
    const holder = findLockHolder(path);
    if (holder !== undefined) {
      throw new StackFailed(`the stack is running (process ${holder}): stop it first`);
    }
    // CARDEA_STATE_FOLDER may point anywhere: never remove a folder that no stack has made.
    const isOurs =
      basename(path) === '.cardea' ||
      existsSync(join(path, SECRETS_FILE)) ||
      (statSync(path).isDirectory() && readdirSync(path).length === 0);
    if (!isOurs) throw new StackFailed(`${path} was not made by Cardea: remove it yourself`);
    rmSync(path, { recursive: true, force: true });
    return true;
  });
}

function createSecrets(path: string): FreshSecrets {
  const databases = [STORAGE_FOLDER, PGLITE_FOLDER].map((name) => join(path, name));
  if (databases.some((folder) => existsSync(folder) && readdirSync(folder).length > 0)) {
    // Fresh secrets could not open what the lost ones have sealed.
    throw new StackFailed(`the state folder ${path} is broken: ${SECRETS_FILE} is missing ${HINT}`);
  }
  const secrets = makeFreshSecrets();
  writePrivateFile(
    join(path, SECRETS_FILE),
    `${JSON.stringify({ version: FORMAT_VERSION, ...secrets }, null, 2)}\n`,
  );
  return secrets;
}

function loadSecrets(path: string): FreshSecrets | undefined {
  const file = join(path, SECRETS_FILE);
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, 'utf8');
  const secrets = parseSecrets(text);
  if (secrets === undefined) {
    throw new StackFailed(`the state folder ${path} is broken: ${SECRETS_FILE} is damaged ${HINT}`);
  }
  chmodSync(file, 0o600);
  return secrets;
}

function parseSecrets(text: string): FreshSecrets | undefined {
  const content = parseJsonObject(text);
  if (content?.version !== FORMAT_VERSION) return undefined;
  const secrets = {
    cardeaSecret: textOf(content.cardeaSecret),
    adminToken: textOf(content.adminToken),
    feedSigningKey: textOf(content.feedSigningKey),
    feedPublicKey: textOf(content.feedPublicKey),
  };
  // What the control plane and the edge would refuse later, and less clearly.
  const feedKey = parseJsonObject(secrets.feedSigningKey);
  const isWhole =
    secrets.cardeaSecret.length >= 32 &&
    secrets.adminToken !== '' &&
    textOf(feedKey?.d) !== '' &&
    textOf(feedKey?.x) === secrets.feedPublicKey;
  return isWhole ? secrets : undefined;
}

/** Turns what the file system refuses into one line; everything else passes. */
function describingFailures<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    const code = 'code' in error ? String(error.code) : error.message;
    throw new StackFailed(`the state folder ${path} cannot be used: ${code} (${error.syscall})`);
  }
}
