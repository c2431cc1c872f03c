/**
 * The local stack: control plane, edge worker and origin, started in an order that works and
 * stopped together. `npm start`, the demo and the end-to-end tests all run this one.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { REPOSITORY_FOLDER } from '../repository.ts';
import { type Child, type ChildEnd, startChild } from './child.ts';
import { type DevFile, removeDevFile, writeDevFile } from './dev-file.ts';
import {
  type EdgeRegistration,
  ensureEdgeRegistration,
  readEdgeRegistration,
} from './edge-registration.ts';
import { assertPortsFree, LOOPBACK } from './free-ports.ts';
import { startNodeControlPlane } from './node-control-plane.ts';
import type { StackSettings } from './settings.ts';
import { StackFailed } from './stack-failed.ts';
import { openStateFolder, type StateFolder } from './state-folder.ts';
import { waitUntilReady } from './wait-until-ready.ts';
import {
  readKvNamespaceId,
  startControlPlane,
  startEdge,
  startMigration,
  wranglerScript,
} from './workers.ts';

export interface StackOptions extends StackSettings {
  /** Where the control plane runs. On Node it pushes the feed to the edge's storage. */
  readonly runtime?: 'workers' | 'node';
  /** The user's environment, for the settings of a control plane on Node. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Called with one line for each stage of the start, and when the control plane is stopped. */
  readonly log?: (line: string) => void;
  /** Aborts the start; a started stack is stopped with `stop`. */
  readonly signal?: AbortSignal;
}

export interface Stack {
  readonly controlPlaneUrl: string;
  readonly edgeUrl: string;
  readonly originUrl: string;
  readonly adminToken: string;
  readonly state: StateFolder;
  /** The processes that run now, by name and number. */
  readonly children: () => readonly Child[];
  /** Stops every process and gives the state folder free. May be called twice. */
  readonly stop: () => Promise<void>;
  /** Stops the control plane alone; the edge goes on. */
  readonly stopControlPlane: () => Promise<void>;
  /** Starts it again on the same state; resolves when it is ready. */
  readonly startControlPlane: () => Promise<void>;
  /** Stops the control plane's clock: connections stay, nothing is answered or published. */
  readonly freezeControlPlane: () => void;
  /**
   * Resolves with the process that ended without having been asked to. A control plane ended by
   * somebody's signal is not among them: the edge goes on without.
   */
  readonly failed: Promise<Child>;
}

/**
 * Starts everything and resolves when the edge answers from its first feed. Fails with a
 * `StackFailed` of one line, and then nothing is left running.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const state = openStateFolder(options.stateFolder);
  const run = new StackRun(options, state);
  try {
    await assertPortsFree(usedPorts(options));
    await run.start();
    return run;
  } catch (error) {
    await run.stop();
    throw error;
  }
}

function usedPorts({ ports, originUrl }: StackSettings) {
  const own = [
    { name: 'CONTROL_PLANE_PORT', port: ports.controlPlane },
    { name: 'EDGE_PORT', port: ports.edge },
  ];
  return originUrl === undefined ? [...own, { name: 'ORIGIN_PORT', port: ports.origin }] : own;
}

/**
 * Whether somebody has ended the process, by a signal that it may have answered with an exit code.
 * For a control plane that is no failure: to see that the edge goes on is what the stack is for.
 */
function wasStopped({ code, signal }: ChildEnd): boolean {
  return signal !== null || code === 0 || code === 130 || code === 143;
}

/** Holds which processes run. */
class StackRun implements Stack {
  readonly controlPlaneUrl: string;
  readonly edgeUrl: string;
  readonly originUrl: string;
  readonly adminToken: string;
  readonly state: StateFolder;
  readonly failed: Promise<Child>;
  readonly #options: StackOptions;
  readonly #running = new Map<'controlPlane' | 'edge' | 'origin', Child>();
  readonly #isWorkers: boolean;
  #registration: EdgeRegistration | undefined;
  #reportFailure: (child: Child) => void = () => {};
  #stopping = false;

  constructor(options: StackOptions, state: StateFolder) {
    this.#options = options;
    this.#isWorkers = options.runtime !== 'node';
    this.state = state;
    this.controlPlaneUrl = `http://${LOOPBACK}:${options.ports.controlPlane}`;
    this.edgeUrl = `http://${LOOPBACK}:${options.ports.edge}`;
    this.originUrl = options.originUrl ?? `http://${LOOPBACK}:${options.ports.origin}`;
    this.adminToken = state.secrets.adminToken;
    this.#registration = readEdgeRegistration(state);
    this.failed = new Promise((resolve) => {
      this.#reportFailure = resolve;
    });
  }

  children(): readonly Child[] {
    return [...this.#running.values()];
  }

  async start(): Promise<void> {
    const { signal, log = () => {} } = this.#options;
    wranglerScript(); // Says at once if it is not installed.
    removeDevFile(this.state.path); // A crash may have left one: nobody shall read it as running.
    if (this.#isWorkers) await this.#migrate();
    if (this.#options.originUrl === undefined) this.#startSampleApi();
    // One after the other: two workers that open the storage at once meet SQLITE_BUSY. And the
    // control plane is ready only when the first feed is out, so on Workers the edge never starts
    // without. On Node the feed goes through the edge's own storage: there the edge comes first.
    if (!this.#isWorkers) await this.#startEdge('/.cardea/health');
    await this.startControlPlane();
    log('control plane: up, and the first feed is out');
    await this.#registerEdge();
    if (this.#isWorkers) await this.#startEdge('/.cardea/ready');
    else await this.#untilEdgeReady();
    log('edge worker: up');
    const origin = this.#running.get('origin');
    if (origin !== undefined) {
      await waitUntilReady({ child: origin, url: `${this.originUrl}/public/ping`, signal });
    }
    this.#writeDevFile();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    removeDevFile(this.state.path);
    // While the edge's storage is still there: the feed's last write goes into it.
    if (!this.#isWorkers) await this.#running.get('controlPlane')?.stop();
    await Promise.all(this.children().map((child) => child.stop()));
    this.#running.clear();
    this.state.lock.release();
  }

  async stopControlPlane(): Promise<void> {
    const child = this.#running.get('controlPlane');
    this.#running.delete('controlPlane');
    await child?.stop();
  }

  async startControlPlane(): Promise<void> {
    if (this.#running.has('controlPlane')) throw new Error('the control plane runs already');
    const child = this.#watch('controlPlane', this.#spawnControlPlane());
    const url = `${this.controlPlaneUrl}/health/ready`;
    await waitUntilReady({ child, url, signal: this.#options.signal });
    if (this.#running.has('edge')) this.#writeDevFile(); // Its process has another number now.
  }

  freezeControlPlane(): void {
    this.#running.get('controlPlane')?.freeze();
  }

  #spawnControlPlane(): Child {
    if (this.#isWorkers) return startControlPlane(this.state, this.#addresses());
    const { env = {} } = this.#options;
    return startNodeControlPlane(this.state, { ...this.#addresses(), edgeUrl: this.edgeUrl, env });
  }

  /** Resolves when the edge answers 200 at `path`. */
  async #startEdge(path: string): Promise<void> {
    const child = this.#watch('edge', startEdge(this.state, this.#edgeAddresses()));
    await waitUntilReady({ child, url: `${this.edgeUrl}${path}`, signal: this.#options.signal });
  }

  /**
   * An edge that runs already with other credentials, or none, is started again: the first time on this
   * state. The control plane on Node publishes through its storage, so it is away meanwhile.
   */
  async #registerEdge(): Promise<void> {
    const known = this.#registration;
    this.#registration = await ensureEdgeRegistration(this.state, this.controlPlaneUrl);
    const edge = this.#running.get('edge');
    if (edge === undefined || known?.secret === this.#registration.secret) return;
    await this.stopControlPlane();
    this.#running.delete('edge');
    await edge.stop();
    await this.#startEdge('/.cardea/health');
    await this.startControlPlane();
  }

  async #untilEdgeReady(): Promise<void> {
    const child = this.#running.get('edge');
    const url = `${this.edgeUrl}/.cardea/ready`;
    if (child !== undefined) await waitUntilReady({ child, url, signal: this.#options.signal });
  }

  async #migrate(): Promise<void> {
    const child = startMigration(this.state);
    const abort = () => void child.stop();
    this.#options.signal?.addEventListener('abort', abort, { once: true });
    const { code, signal } = await child.ended;
    this.#options.signal?.removeEventListener('abort', abort);
    if (this.#options.signal?.aborted) throw new StackFailed('stopped before it was ready');
    if (code === 0) return;
    const reason = child.lastComplaint() || (signal ?? `exit ${code}`);
    throw new StackFailed(
      `the database in the state folder ${this.state.path} cannot be brought up to date: ` +
        `${reason} ("npm run reset" clears it)`,
    );
  }

  #startSampleApi(): void {
    const child = startChild({
      name: 'the sample API',
      args: [
        fileURLToPath(new URL('../sample-api/main.ts', import.meta.url)),
        String(this.#options.ports.origin),
      ],
      cwd: REPOSITORY_FOLDER,
      logFile: join(this.state.logPath, 'origin.log'),
    });
    this.#watch('origin', child);
  }

  /** Remembers the process, and reports its end unless `stop` has asked for it. */
  #watch(role: 'controlPlane' | 'edge' | 'origin', child: Child): Child {
    this.#running.set(role, child);
    void child.ended.then((end) => {
      const wasAsked = this.#stopping || this.#running.get(role) !== child;
      if (wasAsked) return;
      if (role === 'controlPlane' && wasStopped(end)) {
        this.#running.delete(role);
        this.#options.log?.('control plane: stopped by somebody; the edge goes on');
      } else {
        this.#reportFailure(child);
      }
    });
    return child;
  }

  #addresses() {
    const { hardSeconds } = this.#options;
    return { controlPlaneUrl: this.controlPlaneUrl, originUrl: this.originUrl, hardSeconds };
  }

  #edgeAddresses() {
    const registration = this.#registration;
    return { ...this.#addresses(), port: this.#options.ports.edge, registration };
  }

  #writeDevFile(): void {
    const pidOf = (role: 'controlPlane' | 'edge' | 'origin') => this.#running.get(role)?.pid;
    const content: DevFile = {
      control_plane_url: this.controlPlaneUrl,
      edge_url: this.edgeUrl,
      origin_url: this.originUrl,
      admin_token: this.adminToken,
      kv_namespace_id: readKvNamespaceId(),
      feed_public_keys: [this.state.secrets.feedPublicKey],
      pids: {
        control_plane: pidOf('controlPlane') ?? 0,
        edge: pidOf('edge') ?? 0,
        origin: pidOf('origin') ?? null,
      },
    };
    writeDevFile(this.state.path, content);
  }
}
