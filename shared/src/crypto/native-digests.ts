/**
 * Digests by the runtime's own library, where it has one that answers at once: Node hands each call of
 * WebCrypto to another thread, which costs many times what hashing a hundred bytes does. Without it,
 * and on Workers always, WebCrypto does the same.
 */

type Bytes = Uint8Array<ArrayBuffer>;

export interface NativeDigests {
  sha256(bytes: Bytes): Bytes;
  /** HMAC-SHA-256 under `rawKey`, of which it keeps a copy. */
  hmacSha256(rawKey: Bytes): (message: Bytes) => Bytes;
}

let native: NativeDigests | undefined;

/** For composition roots, before any key is imported. */
export function useNativeDigests(digests: NativeDigests): void {
  native = digests;
}

export function nativeDigests(): NativeDigests | undefined {
  return native;
}
