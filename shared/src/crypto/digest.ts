/** SHA-256 (FIPS 180-4). */

import { nativeDigests } from './native-digests.ts';

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const native = nativeDigests();
  if (native !== undefined) return native.sha256(bytes);
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}
