/**
 * Puts routes on Hono. Paths are matched as they came over the wire, before percent-decoding: a verb
 * (`:revoke`) is what follows the last colon of the raw path, whatever an id decodes to.
 */

import type { Context, Hono } from 'hono';
import { permits } from '../admin-auth/roles.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantResolver } from '../tenants/tenant-resolver.ts';
import { callerOf, type Principal } from './principal.ts';
import { problemResponse } from './problem.ts';
import { queryOf } from './request-url.ts';
import type { Route } from './route.ts';
import { networkNotFound, tenantOfAnonymous } from './tenant-of-request.ts';

export type HonoEnv = {
  Variables: {
    requestId: string;
    clientAddress: string | undefined;
    /** The template of the route that answers: what logs show in place of the path. */
    route?: string;
    principal?: Principal;
    /** On admin paths: whom the principal acts on. On others it is for the log. */
    tenant?: Tenant;
  };
};

/** Everything below these needs an admin, whether a route exists there or not. */
export const ADMIN_PREFIXES = ['/v2alpha1/admin', '/v1/admin'] as const;

export function mountRoute(
  app: Hono<HonoEnv>,
  route: Route,
  { tenants }: { readonly tenants: TenantResolver },
): void {
  assertPermissionFitsPath(route);
  const parameters = [...route.path.matchAll(PARAMETER)].map(([, name = '', verb = '']) => ({
    name,
    verb,
  }));
  app.on(route.method, honoPath(route.path), async (context) => {
    context.set('route', route.path);
    const principal = context.get('principal');
    if (route.permission !== 'anonymous') {
      if (principal === undefined) return unauthorized();
      if (!permits(principal, route.permission)) return problemResponse({ code: 'forbidden' });
    }
    // The guard of the admin paths has set it.
    const tenant =
      context.get('tenant') ?? (await tenantOfAnonymous(tenants, context.req.raw, route));
    if (tenant === undefined) return networkNotFound();
    if (route.isForAnyHost !== true) context.set('tenant', tenant);
    const clientAddress = context.get('clientAddress');
    const requestId = context.get('requestId');
    return route.handle({
      raw: context.req.raw,
      params: pathParameters(context, parameters),
      query: queryOf(context.req.raw),
      requestId,
      tenant,
      caller: callerOf(principal, { requestId, clientAddress }),
      ...(clientAddress === undefined ? {} : { clientAddress }),
      ...(principal === undefined ? {} : { principal }),
    });
  });
}

export function unauthorized(): Response {
  return problemResponse({ code: 'unauthorized' }, { 'WWW-Authenticate': 'Bearer' });
}

export function isAdminPath(path: string): boolean {
  return ADMIN_PREFIXES.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
}

function assertPermissionFitsPath({ path, permission }: Route): void {
  if (isAdminPath(path) === (permission === 'anonymous')) {
    throw new Error(`The permission of ${path} does not fit its path.`);
  }
}

const PARAMETER = /\{([a-z_]+)\}(:[A-Za-z]+)?/g;

/** `/x/{id}` → `/x/:id{[^/:]+}`, `/x/{id}:verb` → `/x/:id{[^/]+:verb}`. */
function honoPath(template: string): string {
  return template.replace(PARAMETER, (_, name: string, verb: string | undefined) =>
    verb === undefined ? `:${name}{[^/:]+}` : `:${name}{[^/]+${verb}}`,
  );
}

interface PathParameter {
  readonly name: string;
  /** With its colon; empty if none follows. */
  readonly verb: string;
}

function pathParameters(
  context: Context,
  parameters: readonly PathParameter[],
): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { name, verb } of parameters) {
    const value = context.req.param(name) ?? '';
    values[name] = value.slice(0, value.length - verb.length);
  }
  return values;
}
