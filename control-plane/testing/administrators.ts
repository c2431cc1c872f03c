/** Administrators of every kind for workerd tests, made through the API as an operator makes them. */

import { env } from 'cloudflare:workers';
import { admin, outcomeOf } from './api.ts';

export const CREDENTIALS = '/v1/admin/credentials';

export interface MadeCredential {
  readonly credentialId: string;
  /** The credential itself. */
  readonly secret: string;
}

/** Makes an admin credential as the bootstrap token, or as whoever `as` says. */
export async function makeAdmin(
  request: Record<string, unknown> = {},
  as: Record<string, string> = {},
): Promise<MadeCredential> {
  const body = { name: 'tester', role: 'owner', ...request };
  const response = await admin(CREDENTIALS, { body, headers: as });
  if (response.status !== 201) throw new Error(`Create answered ${await outcomeOf(response)}.`);
  const { admin_credential: credential, secret } = await response.json();
  return { credentialId: credential.credential_id, secret };
}

export const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** A tenant without hosts. */
export async function makeTenant(): Promise<string> {
  const response = await admin('/v1/admin/tenants', { body: { name: 'tenant' } });
  if (response.status !== 201) throw new Error(`Create answered ${await outcomeOf(response)}.`);
  return (await response.json()).tenant_id;
}

/** Time passes for one credential. */
export async function expire({ credentialId }: MadeCredential): Promise<void> {
  await env.DB.prepare('UPDATE admin_credentials SET expire_time_ms = ? WHERE credential_id = ?')
    .bind(Date.now() - 1, credentialId)
    .run();
}

export async function revoke({ credentialId }: MadeCredential): Promise<void> {
  const response = await admin(`${CREDENTIALS}/${credentialId}:revoke`, { method: 'POST' });
  if (response.status !== 204) throw new Error(`Revoke answered ${await outcomeOf(response)}.`);
}

/** The credential in its place; the old one is refused from now on, or after `overlap`. */
export async function rotate(
  { credentialId }: MadeCredential,
  body: Record<string, unknown> = {},
): Promise<MadeCredential> {
  const response = await admin(`${CREDENTIALS}/${credentialId}:rotate`, { body });
  if (response.status !== 201) throw new Error(`Rotate answered ${await outcomeOf(response)}.`);
  const { admin_credential: credential, secret } = await response.json();
  return { credentialId: credential.credential_id, secret };
}
