/** Macaroon keys for tests: fixed root keys, sealed for edges with fixed secrets. */

import { DEFAULT_TENANT_ID } from '../../tenant.ts';
import { unixSeconds } from '../../time.ts';
import {
  type EdgeIdentity,
  importEdgeSealingKey,
  type MacaroonKeyBinding,
  type SealedMacaroonKey,
  sealMacaroonKey,
} from '../sealed-key.ts';

/** The edge whose secret is 32 bytes of `fill`. */
export async function edgeOf(
  edgeId: string,
  fill: number,
  environmentId = 'test',
): Promise<EdgeIdentity> {
  const secret = new Uint8Array(32).fill(fill);
  const sealingKey = await importEdgeSealingKey(secret, ['encrypt', 'decrypt']);
  return { environmentId, edgeId, sealingKey };
}

export const testEdge = await edgeOf('edge-1', 0xe1);
export const otherEdge = await edgeOf('edge-2', 0xe2);
export const edgeWithOtherSecret = await edgeOf('edge-1', 0xe3);

export interface TestMacaroonKey extends MacaroonKeyBinding {
  readonly rootKey: Uint8Array<ArrayBuffer>;
}

/** A key of the default tenant that lives for ever, with `changes`. */
export function macaroonKeyOf(changes: Partial<TestMacaroonKey> = {}): TestMacaroonKey {
  return {
    tenantId: DEFAULT_TENANT_ID,
    issuer: 'https://issuer.test',
    audience: 'https://api.test',
    kid: 'mk-1',
    notBeforeSeconds: unixSeconds(0),
    notAfterSeconds: unixSeconds(4_000_000_000),
    rootKey: new Uint8Array(32).fill(0x5a),
    ...changes,
  };
}

export function sealedKeyOf(
  changes: Partial<TestMacaroonKey> = {},
  edge: EdgeIdentity = testEdge,
): Promise<SealedMacaroonKey> {
  return sealMacaroonKey(edge, macaroonKeyOf(changes));
}
