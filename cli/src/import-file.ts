/**
 * Reads what `cardea keys import-batch` imports: requests as a JSON array, or one a line, cut into
 * batches that the control plane takes. A file holds raw keys: no message quotes any of it.
 */

import { CommandFailed } from './failure.ts';
import { asJsonObject, parseJsonObject } from './json-object.ts';

/** What one call imports: the server's own limits are 1,000 requests and 4 MiB. */
const REQUESTS_MAX = 500;
/** One is three bytes of UTF-8 at most. */
const CHARACTERS_MAX = 1024 * 1024;

type ImportRequest = Readonly<Record<string, unknown>>;

export interface ImportBatch {
  readonly requests: readonly ImportRequest[];
  /** The place of the first request in the file, from 0. */
  readonly firstIndex: number;
}

/** Throws `CommandFailed` if any of it is no JSON object: nothing is imported then. */
export function readImportFile(text: string): readonly ImportBatch[] {
  const requests = text.trimStart().startsWith('[') ? readArray(text) : readLines(text);
  if (requests.length === 0) throw new CommandFailed('there is no key in it');
  const batches: ImportBatch[] = [];
  let batch: ImportRequest[] = [];
  let characters = 0;
  for (const [index, request] of requests.entries()) {
    const length = JSON.stringify(request).length;
    if (
      batch.length === 0 ||
      batch.length === REQUESTS_MAX ||
      characters + length > CHARACTERS_MAX
    ) {
      batch = [];
      characters = 0;
      batches.push({ requests: batch, firstIndex: index });
    }
    batch.push(request);
    characters += length;
  }
  return batches;
}

function readArray(text: string): readonly ImportRequest[] {
  return parseArray(text).map((value, index) => {
    const request = asJsonObject(value);
    if (request === undefined) throw new CommandFailed(`element ${index} is not a JSON object`);
    return request;
  });
}

function parseArray(text: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The message of the parser would quote the file.
  }
  if (!Array.isArray(value)) throw new CommandFailed('what is to be imported is not JSON');
  return value;
}

function readLines(text: string): readonly ImportRequest[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    const request = parseJsonObject(line);
    if (request === undefined) throw new CommandFailed(`line ${i + 1} is not a JSON object`);
    return [request];
  });
}
