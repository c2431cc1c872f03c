/** The edge bundle as it is deployed, minified and compressed. */

import { gzipSync } from 'node:zlib';
import type { BenchResult } from './statistics.ts';
import { bundleWorker } from './workerd.ts';

export async function measureBundle(): Promise<BenchResult> {
  const script = await bundleWorker('../../edge-worker/src/worker.ts');
  const ours = Math.round((gzipSync(script, { level: 9 }).length / 1024) * 100) / 100;
  return { name: 'edge_bundle_gzip_kb', ours, peer: null, ratio: null, unit: 'KB' };
}
