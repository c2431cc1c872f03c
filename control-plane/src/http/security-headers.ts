/** Headers on every answer of the control plane. It serves JSON to programs, nothing to browsers. */

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
};

/** Unless a route says otherwise: answers carry secrets, or what is true only now. */
export const CACHE_CONTROL_DEFAULT = 'no-store';
