/** `cardea version`: which Cardea this is. Asks no server unless it is named. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { parseEndpoint } from '../endpoint.ts';
import { parseJsonObject, textOf } from '../json-object.ts';
import { formatOf, printAnswer } from '../output.ts';
import { REPOSITORY_FOLDER } from '../repository.ts';

export const versionCommand: Command = {
  words: ['version'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'print the version (with -e: also the version of that control plane)',
  options: ['endpoint', 'format'],
  async run(context) {
    const answer: Record<string, unknown> = { version: ownVersion(), node: process.versions.node };
    const { endpoint } = context.options;
    if (endpoint !== undefined) {
      const url = parseEndpoint(endpoint);
      const server = await callJson({ endpoint: url, method: 'GET', path: '/version' });
      answer.control_plane = server.version;
    }
    const format = formatOf(context.options, ['table', 'json']);
    if (format === 'table' && endpoint === undefined) context.print(`cardea ${answer.version}`);
    else printAnswer(context, format, answer);
    return 0;
  },
};

function ownVersion(): string {
  const manifest = readFileSync(join(REPOSITORY_FOLDER, 'package.json'), 'utf8');
  return textOf(parseJsonObject(manifest)?.version);
}
