/** Every store on Workers: on D1, or on PostgreSQL where Hyperdrive is bound. */

import { waitUntil } from 'cloudflare:workers';
import type { ControlPlaneBindings } from '../config.workers.ts';
import { connectHyperdrive } from './hyperdrive.ts';
import { createD1Stores } from './stores.d1.ts';
import { createPostgresStores } from './stores.pg.ts';
import type { Stores } from './stores.ts';

export function createWorkersStores({ database }: Pick<ControlPlaneBindings, 'database'>): Stores {
  return 'connectionString' in database
    ? createPostgresStores(connectHyperdrive(database.connectionString, waitUntil))
    : createD1Stores(database);
}
