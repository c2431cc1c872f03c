/** The refusals that several operations on tenants share. */

import type { Principal } from '../../http/principal.ts';
import { problemResponse } from '../../http/problem.ts';

/** Tenants are the deployment's: whoever is bound to one of them neither sees nor changes any. */
export function refusedToTenants(principal: Principal | undefined): Response | undefined {
  if (principal?.tenantId === undefined) return undefined;
  const message = 'Tenants are for administrators of the whole deployment.';
  return problemResponse({ code: 'forbidden', message });
}

export function tenantNotFound(): Response {
  return problemResponse({ code: 'not_found', message: 'There is no such tenant.' });
}

export function hostTaken(): Response {
  const message = 'hosts: one of them belongs to another tenant';
  return problemResponse({ code: 'conflict', message });
}

export function isDefaultTenant(): Response {
  const message =
    'The default tenant has the settings of the deployment and stays: change its configuration.';
  return problemResponse({ code: 'failed_precondition', message });
}
