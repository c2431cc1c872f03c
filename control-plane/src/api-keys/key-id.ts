/** Key ids: the shape decides the kind. */

import { isUuidV4 } from '@cardea/shared/bytes/uuid';

const IMPORTED_KEY_ID = /^[0-9a-f]{64}$/;

/** The kind of key that this id could name, or `undefined` if it can name none. */
export function kindOfKeyId(text: string): 'issued' | 'imported' | undefined {
  if (isUuidV4(text)) return 'issued';
  return IMPORTED_KEY_ID.test(text) ? 'imported' : undefined;
}
