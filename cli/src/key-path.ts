/** Where API keys are. The shape of a key's id says whether it is issued or imported. */

import { isUuidV4 } from '@cardea/shared/bytes/uuid';
import type { CommandContext } from './command.ts';
import { UsageError } from './failure.ts';

export const ISSUED_KEYS = '/v2alpha1/admin/issuedApiKeys';
export const IMPORTED_KEYS = '/v2alpha1/admin/importedApiKeys';

const IMPORTED_KEY_ID = /^[0-9a-f]{64}$/;

type Operands = Pick<CommandContext, 'operands'>;

/** The path of the key that the first operand names, of either kind. */
export function keyPathOf({ operands: [keyId = ''] }: Operands): string {
  if (isUuidV4(keyId)) return `${ISSUED_KEYS}/${keyId}`;
  if (IMPORTED_KEY_ID.test(keyId)) return `${IMPORTED_KEYS}/${keyId}`;
  throw new UsageError(
    'KEY_ID must be a UUID in lower case (an issued key) or 64 hexadecimal digits (an imported one)',
  );
}

/** The same for a command that knows issued keys alone. */
export function issuedKeyPathOf(context: Operands): string {
  const path = keyPathOf(context);
  if (path.startsWith(`${ISSUED_KEYS}/`)) return path;
  throw new UsageError('that is an imported key: only issued ones can be rotated');
}

/** The same for a command that knows imported keys alone. */
export function importedKeyPathOf(context: Operands): string {
  const path = keyPathOf(context);
  if (path.startsWith(`${IMPORTED_KEYS}/`)) return path;
  throw new UsageError('that is an issued key: only imported ones can be deleted; revoke it');
}
