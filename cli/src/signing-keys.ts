/** Where the signing keys are. */
export const SIGNING_KEYS = '/v1/admin/signingKeys';
