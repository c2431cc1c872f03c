/** How the control plane tells kinds of credentials apart. */

import type { CredentialRouting } from '@cardea/shared/credential/kind';

/** Macaroons are recognised, so that none is ever taken for an imported key. */
export const CREDENTIAL_ROUTING: CredentialRouting = { macaroonPrefixes: ['mc'] };
