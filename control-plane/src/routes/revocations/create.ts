import { permits } from '../../admin-auth/roles.ts';
import type { Deps } from '../../deps.ts';
import type { Principal } from '../../http/principal.ts';
import { problemResponse } from '../../http/problem.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { createRevocations } from '../../revocations/create-revocations.ts';
import type { RevocationScope } from '../../revocations/revocation.ts';
import { announcementHeader } from '../messages/announcement.ts';
import { CreateRevocationRequest, toRequest, toWish } from './revocation-fields.ts';
import { revocationAnswer, revocationMessage, revocationPath } from './revocation-message.ts';
import { revocationProblem } from './revocation-problems.ts';

/**
 * POST /v1/admin/revocations: 201 when the publisher holds it, 202 when it will fetch it: nothing else
 * differs.
 */
export function createRevocationRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminCreateRevocation',
    summary: 'Revokes a token, a key, a signing key; cuts off an actor, a tenant, everything.',
    method: 'POST',
    path: '/v1/admin/revocations',
    surface: 'admin',
    permission: 'revocations.write',
    body: CreateRevocationRequest,
    answers: { 201: revocationAnswer, 202: revocationAnswer },
    handle: async (body, { tenant, caller, principal }) => {
      const forbidden = refusedTo(principal, body.target);
      if (forbidden !== undefined) return forbidden;
      const wishes = [toWish(body)];
      const made = await createRevocations(deps, { tenant, caller, wishes, ...toRequest(body) });
      if (!('announcement' in made)) return problemResponse(revocationProblem(made, () => ''));
      const { announcement, now, revocations } = made;
      const [row] = revocations;
      if (row === undefined) throw new TypeError('A revocation was made that is not there.');
      const { acknowledgesCommits } = deps.announcer;
      return Response.json(revocationMessage(row, { now, acknowledgesCommits }), {
        status: announcement === 'acknowledged' ? 201 : 202,
        headers: { ...announcementHeader(announcement), Location: revocationPath(row) },
      });
    },
  });
}

/** What shuts out everybody of a tenant is its owner's to do, of all tenants the deployment's. */
function refusedTo(
  principal: Principal | undefined,
  target: RevocationScope,
): Response | undefined {
  if (target !== 'tenant' && target !== 'everything') return undefined;
  const isOwner = principal !== undefined && permits(principal, 'mass_revocations.write');
  const isOfAll = principal?.tenantId === undefined;
  if (isOwner && (target === 'tenant' || isOfAll)) return undefined;
  const message =
    target === 'tenant'
      ? 'target: only an owner cuts off a tenant'
      : 'target: only an owner of the whole deployment cuts off everything';
  return problemResponse({ code: 'forbidden', message });
}
