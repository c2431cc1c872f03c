/** Guarantee: a user of Talos changes a URL. Here: workerd with D1, through the real wrangler.toml. */

import { startThrowawayStack } from '../harness/throwaway-stack.ts';
import { describeTalosConformance } from './conformance.ts';

describeTalosConformance('Talos v2alpha1 on Workers and D1', async () => {
  const { stack, dispose } = await startThrowawayStack({});
  const { adminToken, controlPlaneUrl } = stack;
  return { adminToken, controlPlaneUrl, dispose };
});
