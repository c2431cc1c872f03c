/** `cardea dev` (`npm start`): the whole system on this machine, until Ctrl-C. */

import type { Command } from '../command.ts';
import { runInForeground } from '../dev-stack/foreground.ts';

/** The settings of the local stack, whatever its control plane runs on. */
export const STACK_DETAILS = [
  'CONTROL_PLANE_PORT, EDGE_PORT, ORIGIN_PORT  other ports',
  'ORIGIN_URL                                  your own server instead of the sample API',
  'FEED_HARD_SECONDS                           how old a feed the edge may use',
  'CARDEA_STATE_FOLDER                         where the state is kept (default .cardea)',
];

export const devCommand: Command = {
  words: ['dev'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'run control plane, edge worker and a sample API on this machine',
  options: [],
  details: STACK_DETAILS,
  run: (context) => runInForeground(context, 'workers'),
};
