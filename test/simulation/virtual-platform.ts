/**
 * What the shipped code takes from its platform and a simulation must decide: timers run on virtual
 * time, and what WebCrypto signs, verifies and digests is computed at once by `node:crypto`, not by another
 * thread that answers when it likes. The same algorithms of the same library; the answers are
 * remembered by every byte that went in, because many isolates verify the same head.
 *
 * What is left to threads (sealing a secret) is counted, so that the world can wait for it.
 */

import { createHash, createPrivateKey, KeyObject, sign, verify } from 'node:crypto';
import { nodeDigests } from '@cardea/control-plane/node/native-crypto';
import { useNativeDigests } from '@cardea/shared/crypto/native-digests';
import type { World } from './world.ts';

// As the control plane does on Node: digests and HMAC at once, not by another thread.
useNativeDigests(nodeDigests);

type Algorithm = string | { readonly name: string };
type Bytes = ArrayBuffer | Uint8Array;

const realTimers = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
const subtle = Object.getPrototypeOf(crypto.subtle);
const keyObjects = new WeakMap<CryptoKey, NamedKey>();
rememberPrivateKeys();
const realSubtle = { ...Object.getOwnPropertyDescriptors(subtle) };
const COUNTED = ['encrypt', 'decrypt', 'exportKey', 'deriveKey', 'deriveBits'];
/** Verifications: about 2 KiB each, so that a run stays below 32 MiB. */
const REMEMBERED_MAX = 16_384;

let openCalls = 0;
const remembered = new Map<string, boolean>();
/** Public keys by their 32 bytes: one object for all who import them. */
const publicKeys = new Map<string, CryptoKey>();

export function openCryptoCalls(): number {
  return openCalls;
}

/** Answers how to give the platform back. One world at a time. */
export function takePlatform(world: World): () => void {
  takeTimers(world);
  takeWebCrypto();
  return () => {
    Object.assign(globalThis, realTimers);
    Object.defineProperties(subtle, realSubtle);
    remembered.clear();
  };
}

function takeTimers(world: World): void {
  Object.assign(globalThis, {
    setTimeout: (action: () => void, milliseconds = 0) => world.after(milliseconds, action),
    clearTimeout: (timer: unknown) => {
      if (typeof timer === 'function') timer();
    },
  });
}

function takeWebCrypto(): void {
  for (const name of COUNTED) count(name);
  const replace = (name: string, value: unknown) =>
    Object.defineProperty(subtle, name, { value, configurable: true, writable: true });
  const original = { sign: subtle.sign, verify: subtle.verify, digest: subtle.digest };

  const importKey = subtle.importKey;
  replace('importKey', async function imported(this: SubtleCrypto, ...call: ImportCall) {
    const [format, data, algorithm] = call;
    const isPublic = format === 'raw' && nameOf(algorithm) === 'Ed25519';
    if (!isPublic) return counted(() => importKey.apply(this, call));
    const name = Buffer.from(viewOf(data)).toString('latin1');
    const key: CryptoKey =
      publicKeys.get(name) ?? (await counted(() => importKey.apply(this, call)));
    publicKeys.set(name, key);
    return key;
  });

  replace('digest', async function digest(this: SubtleCrypto, algorithm: Algorithm, data: Bytes) {
    if (nameOf(algorithm) !== 'SHA-256') return original.digest.call(this, algorithm, data);
    return toArrayBuffer(createHash('sha256').update(viewOf(data)).digest());
  });

  replace('sign', async function signed(this: SubtleCrypto, ...call: SignCall) {
    const [, key, data] = call;
    const known = keyObjects.get(key);
    if (known === undefined) return counted(() => original.sign.apply(this, call));
    return toArrayBuffer(sign(null, viewOf(data), known.key));
  });

  replace('verify', async function verified(this: SubtleCrypto, ...call: VerifyCall) {
    const [algorithm, key, signature, data] = call;
    if (nameOf(algorithm) !== 'Ed25519') return counted(() => original.verify.apply(this, call));
    const text = (bytes: Bytes) => Buffer.from(viewOf(bytes)).toString('latin1');
    const named = publicKeyOf(key);
    const question = `${named.name} ${text(signature)} ${text(data)}`;
    const known = remembered.get(question);
    if (known !== undefined) return known;
    const answer = verify(null, viewOf(data), named.key, viewOf(signature));
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    remembered.set(question, answer);
    return answer;
  });
}

type ImportCall = [format: string, data: Bytes, algorithm: Algorithm, ...rest: unknown[]];
type SignCall = [algorithm: Algorithm, key: CryptoKey, data: Bytes];
type VerifyCall = [algorithm: Algorithm, key: CryptoKey, signature: Bytes, data: Bytes];

interface NamedKey {
  readonly key: KeyObject;
  /** Its bytes: the same key, imported by another isolate, is the same key. */
  readonly name: string;
}

/**
 * Private Ed25519 keys, from the moment when they are imported on: WebCrypto does not give them out again,
 * and a head is to be signed at once.
 */
function rememberPrivateKeys(): void {
  const importKey = subtle.importKey;
  const value = async function imported(this: SubtleCrypto, ...call: ImportJwkCall) {
    const key: CryptoKey = await importKey.apply(this, call);
    const [format, jwk] = call;
    if (format === 'jwk' && jwk.crv === 'Ed25519' && jwk.d !== undefined) {
      const made = createPrivateKey({ key: { ...jwk }, format: 'jwk' });
      keyObjects.set(key, { key: made, name: '' });
    }
    return key;
  };
  Object.defineProperty(subtle, 'importKey', { value, configurable: true, writable: true });
}

type ImportJwkCall = [format: string, jwk: JsonWebKey, ...rest: unknown[]];

function publicKeyOf(key: CryptoKey): NamedKey {
  const known = keyObjects.get(key);
  if (known !== undefined) return known;
  const made = KeyObject.from(key);
  const name = made.export({ format: 'der', type: 'spki' }).toString('latin1');
  const named = { key: made, name };
  keyObjects.set(key, named);
  return named;
}

function count(name: string): void {
  const original: (...parameters: unknown[]) => Promise<unknown> = subtle[name];
  Object.defineProperty(subtle, name, {
    configurable: true,
    writable: true,
    value(this: SubtleCrypto, ...parameters: unknown[]) {
      return counted(() => original.apply(this, parameters));
    },
  });
}

async function counted<T>(call: () => Promise<T>): Promise<T> {
  openCalls++;
  try {
    return await call();
  } finally {
    openCalls--;
  }
}

function nameOf(algorithm: Algorithm): string {
  return typeof algorithm === 'string' ? algorithm : algorithm.name;
}

function viewOf(bytes: Bytes): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
