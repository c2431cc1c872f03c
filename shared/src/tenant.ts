/**
 * The tenant that exists without being created. A fixed random UUID (not the nil UUID: the scope id
 * of the nil UUID would be zero, which stands for "everything" in the feed).
 */
export const DEFAULT_TENANT_ID = '7d0c5e1b-93a4-4f68-8a52-c1e6b7f20d39';
