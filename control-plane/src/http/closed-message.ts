/** Messages of operations where a member that nobody reads would be a mistake with consequences. */

import { z } from 'zod';
import { isJsonObject, lowerCamelCase, protoMessage } from './protojson.ts';

/**
 * As `protoMessage`, but an unknown member is refused: a misspelt `tenant_id` must not make a
 * credential that is good everywhere.
 */
export function closedMessage<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = new Set(Object.keys(shape).flatMap((name) => [name, lowerCamelCase(name)]));
  return z.preprocess((value, context) => {
    if (!isJsonObject(value) || Object.keys(value).every((name) => known.has(name))) return value;
    context.addIssue({ code: 'custom', message: `has a member besides ${[...known].join(', ')}` });
    return z.NEVER;
  }, protoMessage(shape));
}
