/** `cardea feed`: what edges are told, how publishing goes, and what edges say they hold. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command } from '../command.ts';
import { FEED, feedLines } from '../feed-state.ts';
import { formatOf, printAnswer } from '../output.ts';

export const feedCommand: Command = {
  words: ['feed'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'show the state of the feed: its head, its publication, its bound, and the edges',
  options: ['endpoint', 'format'],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const answer = await callAsAdmin(context, { method: 'GET', path: FEED });
    if (format === 'json') printAnswer(context, 'json', answer);
    else for (const line of feedLines(answer)) context.print(line);
    return 0;
  },
};
