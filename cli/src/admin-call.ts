/** A call of a command to the control plane, as the admin who runs it. */

import type { CommandContext } from './command.ts';
import { type Call, callJson } from './control-plane-client.ts';
import { adminTokenOf, endpointOf } from './endpoint.ts';

/** The answer as {@link callJson} has it; what the server remarks goes to standard error. */
export function callAsAdmin(
  context: CommandContext,
  call: Pick<Call, 'method' | 'path' | 'json' | 'tenant'>,
): Promise<Readonly<Record<string, unknown>>> {
  const endpoint = endpointOf(context);
  const adminToken = adminTokenOf(context, endpoint);
  const onRemark = (line: string) => context.complain(`cardea: ${line}`);
  return callJson({ ...call, endpoint, adminToken, onRemark });
}
