/** Guarantee: a user of Talos changes a URL. Here: `cardea serve` on Node with a real PostgreSQL. */

import { startPostgresServer } from '../../stores/postgres-server.ts';
import { makeNodeSecrets, startNodeControlPlane } from '../harness/node-control-plane.ts';
import { describeTalosConformance } from './conformance.ts';

describeTalosConformance('Talos v2alpha1 on Node and PostgreSQL', async () => {
  const postgres = await startPostgresServer();
  const { adminToken, env } = makeNodeSecrets();
  try {
    const server = await startNodeControlPlane({ ...env, DATABASE_URL: postgres.url }, [
      '--migrate',
    ]);
    const dispose = async () => {
      await server.stop();
      await postgres.dispose();
    };
    return { adminToken, controlPlaneUrl: server.url, dispose };
  } catch (error) {
    await postgres.dispose();
    throw error;
  }
});
