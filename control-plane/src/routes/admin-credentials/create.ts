import { unixMilliseconds } from '@cardea/shared/time';
import { z } from 'zod';
import { ADMIN_ROLES } from '../../admin-credentials/admin-credential.ts';
import {
  type CreateCredentialOutcome,
  createAdminCredential,
} from '../../admin-credentials/create-credential.ts';
import type { CredentialEnd } from '../../admin-credentials/store.ts';
import type { Deps } from '../../deps.ts';
import { closedMessage } from '../../http/closed-message.ts';
import { type Problem, problemResponse } from '../../http/problem.ts';
import { extendedDuration, protoString } from '../../http/protojson.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import {
  ADMIN_CREDENTIAL_TTL_SECONDS_DEFAULT,
  ADMIN_CREDENTIAL_TTL_SECONDS_MAX,
  NAME_LENGTH_MAX,
} from '../../limits.ts';
import {
  adminCredentialAnswer,
  adminCredentialMessage,
  adminCredentialPath,
  secretText,
} from './admin-credential-message.ts';

const TENANT_ID_LENGTH = 36;

const CreateRequest = closedMessage({
  name: protoString({ min: 1, max: NAME_LENGTH_MAX }),
  role: z.enum(ADMIN_ROLES, { error: `must be one of ${ADMIN_ROLES.join(', ')}` }),
  tenant_id: protoString({ min: 1, max: TENANT_ID_LENGTH }).optional(),
  ttl: extendedDuration().optional(),
  expire_time: z.iso
    .datetime({ offset: true, error: 'must be a time like 2027-01-31T00:00:00Z' })
    .optional(),
});

/** POST /v1/admin/credentials: 201 with the credential's text, shown this once. */
export function createAdminCredentialRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminCreateCredential',
    summary: 'Makes an admin credential; its secret is shown this once.',
    method: 'POST',
    path: '/v1/admin/credentials',
    surface: 'admin',
    permission: 'admin_credentials.write',
    body: CreateRequest,
    answers: {
      201: z.strictObject({ admin_credential: adminCredentialAnswer, secret: secretText() }),
    },
    handle: async (body, { caller, principal }) => {
      if (principal === undefined) return problemResponse({ code: 'forbidden' });
      const end = endOf(body, deps);
      if ('code' in end) return problemResponse(end);
      const { name, role, tenant_id: tenantId } = body;
      const tenant = tenantId === undefined ? {} : { tenantId };
      const request = { principal, caller, name, role, end, ...tenant };
      return answerOf(await createAdminCredential(deps, request));
    },
  });
}

/** By the process's clock: what is left of a credential's life is weeks, not milliseconds. */
function endOf(
  { ttl, expire_time: expireText }: z.output<typeof CreateRequest>,
  { clock }: Pick<Deps, 'clock'>,
): CredentialEnd | Problem {
  if (ttl !== undefined && expireText !== undefined) {
    return { code: 'bad_request', message: 'ttl: and expire_time exclude each other' };
  }
  const name = expireText === undefined ? 'ttl' : 'expire_time';
  const expireTime =
    expireText === undefined ? undefined : unixMilliseconds(Date.parse(expireText));
  const afterSeconds =
    expireTime === undefined
      ? (ttl ?? ADMIN_CREDENTIAL_TTL_SECONDS_DEFAULT)
      : (expireTime - clock.now()) / 1000;
  if (!(afterSeconds > 0)) return { code: 'bad_request', message: `${name}: must lie ahead` };
  if (!(afterSeconds <= ADMIN_CREDENTIAL_TTL_SECONDS_MAX)) {
    const days = ADMIN_CREDENTIAL_TTL_SECONDS_MAX / (24 * 60 * 60);
    return { code: 'bad_request', message: `${name}: must lie within ${days} days` };
  }
  return expireTime === undefined ? { afterSeconds } : { expireTime };
}

function answerOf(created: CreateCredentialOutcome): Response {
  switch (created.outcome) {
    case 'created': {
      const { credential, text } = created;
      const message = {
        admin_credential: adminCredentialMessage(credential, credential.createTime),
        secret: text,
      };
      const headers = { Location: adminCredentialPath(credential) };
      return Response.json(message, { status: 201, headers });
    }
    case 'role_not_granted':
      return forbidden('Nobody grants a role above his own.');
    case 'tenant_not_granted':
      return forbidden('tenant_id: the caller is bound to another tenant');
    case 'tenant_unknown':
      return problemResponse({ code: 'not_found', message: 'There is no such tenant.' });
  }
}

function forbidden(message: string): Response {
  return problemResponse({ code: 'forbidden', message });
}
