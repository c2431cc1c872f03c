import { z } from 'zod';
import {
  type ImportItem,
  type ImportOutcome,
  importApiKeys,
} from '../../api-keys/import-api-key.ts';
import type { Deps } from '../../deps.ts';
import { type Problem, type ProblemCode, problemResponse } from '../../http/problem.ts';
import { firstBrokenRule, protoMessage } from '../../http/protojson.ts';
import { jsonRoute, type Route } from '../../http/route.ts';
import { BATCH_BODY_BYTES_MAX, IMPORT_BATCH_MAX } from '../../limits.ts';
import { batchCreateAnswer } from '../messages/answers.ts';
import {
  ImportApiKeyRequest,
  importProblem,
  isWeakImport,
  toImportItem,
} from '../messages/import-request.ts';
import { apiKeyMessage } from '../messages/issued-api-key.ts';

/** Each element is checked by itself: one that is malformed does not refuse the others. */
const BatchCreateRequest = protoMessage({
  requests: z
    .array(z.unknown(), { error: 'must be an array' })
    .min(1, { error: 'must have at least 1 element' })
    .max(IMPORT_BATCH_MAX, { error: `must have at most ${IMPORT_BATCH_MAX} elements` })
    .meta({ items: z.toJSONSchema(ImportApiKeyRequest, { io: 'input', unrepresentable: 'any' }) }),
});

/** POST /v2alpha1/admin/importedApiKeys:batchCreate */
export function batchCreateImportedApiKeysRoute(deps: Deps): Route {
  return jsonRoute({
    operationId: 'adminBatchCreateImportedApiKeys',
    summary: `Imports up to ${IMPORT_BATCH_MAX} API keys, each whole or not at all.`,
    method: 'POST',
    path: '/v2alpha1/admin/importedApiKeys:batchCreate',
    surface: 'admin',
    permission: 'api_keys.write',
    body: BatchCreateRequest,
    bodyBytesMax: BATCH_BODY_BYTES_MAX,
    answers: { 200: batchCreateAnswer },
    handle: async ({ requests }, { tenant, caller }) => {
      const read = requests.map(readItem);
      const items = read.flatMap((one) => ('item' in one ? [one.item] : []));
      const outcomes = [...(await importApiKeys(deps, items, { tenant, caller }))];
      const results = read.map((one) =>
        'item' in one ? resultOf(outcomes.shift(), one.item) : one,
      );
      const problems = results.flatMap((result) => ('problem' in result ? [result.problem] : []));
      if (problems.length === results.length) return problemResponse(dominantOf(problems));
      const message = {
        results: results.map(messageOf),
        success_count: results.length - problems.length,
        failure_count: problems.length,
      };
      return Response.json(message, { headers: warningOf(results) });
    },
  });
}

type Refused = { readonly problem: Problem & { readonly message: string } };
type Result =
  | Refused
  | {
      readonly imported: Extract<ImportOutcome, { readonly key: unknown }>;
      readonly isWeak: boolean;
    };

function readItem(request: unknown): Refused | { readonly item: ImportItem } {
  const body = ImportApiKeyRequest.safeParse(request);
  return body.success
    ? { item: toImportItem(body.data) }
    : { problem: { code: 'bad_request', message: firstBrokenRule(body.error) } };
}

function resultOf(outcome: ImportOutcome | undefined, item: ImportItem): Result {
  if (outcome === undefined) throw new TypeError('An item has no outcome.');
  if (!('key' in outcome)) return { problem: importProblem(outcome.outcome) };
  return { imported: outcome, isWeak: isWeakImport(item) };
}

/** In the order of precedence among classes that are equally frequent. */
const ERROR_CODES: ReadonlyArray<readonly [ProblemCode, string]> = [
  ['api_key_exists', 'ALREADY_EXISTS'],
  ['conflict', 'ALREADY_EXISTS'],
  ['bad_request', 'INVALID_ARGUMENT'],
  ['failed_precondition', 'FAILED_PRECONDITION'],
  ['api_key_quota_exceeded', 'RESOURCE_EXHAUSTED'],
];

function messageOf(result: Result, index: number) {
  if ('imported' in result) {
    return { index, imported_api_key: apiKeyMessage(result.imported.key, result.imported.now) };
  }
  const { code, message } = result.problem;
  const [, name = 'INTERNAL'] = ERROR_CODES.find(([known]) => known === code) ?? [];
  return {
    index,
    error_code: `BATCH_CREATE_IMPORTED_API_KEYS_ERROR_${name}`,
    error_message: message,
  };
}

/** When every import fails, the answer is the most frequent refusal, in the words of its first. */
function dominantOf(problems: readonly Refused['problem'][]): Problem {
  const count = (code: ProblemCode) => problems.filter((problem) => problem.code === code).length;
  const [code] = ERROR_CODES.map(([known]) => known).sort((a, b) => count(b) - count(a));
  const index = problems.findIndex((problem) => problem.code === code);
  const first = problems[index];
  if (first === undefined)
    throw new TypeError('A refusal has a code that no import is refused with.');
  return { code: first.code, message: `requests.${index}: ${first.message}` };
}

/** Names the elements whose keys look weak. */
function warningOf(results: readonly Result[]): Record<string, string> {
  const weak = results.flatMap((result, index) =>
    'isWeak' in result && result.isWeak ? [index] : [],
  );
  if (weak.length === 0) return {};
  const named = weak.slice(0, WARNED_MAX).join(', ');
  const more = weak.length > WARNED_MAX ? `, and ${weak.length - WARNED_MAX} more` : '';
  return { 'Cardea-Warning': `raw_key: little entropy at ${named}${more}` };
}

/** Elements that the warning names: headers stay short. */
const WARNED_MAX = 20;
