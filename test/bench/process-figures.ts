/** What the kernel counts of a process. Linux only. */

import { readdirSync, readFileSync } from 'node:fs';

/** Time that the main thread has run, on which workerd runs a worker, by the kernel's own count. */
export function processorMs(pid: number): number {
  const [nanoseconds] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
  return Number(nanoseconds) / 1e6;
}

/** Time that all of its threads have run, microseconds; 0 for one that has ended, or elsewhere. */
export function processorMicroseconds(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  try {
    return readdirSync(tasks).reduce((sum, task) => sum + ofThread(`${tasks}/${task}`), 0);
  } catch {
    return 0;
  }
}

/** The first figure is nanoseconds on the processor (Linux, Documentation/scheduler/sched-stats). */
function ofThread(folder: string): number {
  try {
    const [nanoseconds = '0'] = readFileSync(`${folder}/schedstat`, 'utf8').split(' ');
    return Number(nanoseconds) / 1000;
  } catch {
    return 0; // A thread that has just ended.
  }
}

/** Memory that the process has now, and the most that it ever had. Megabytes. */
export function memoryMb(pid: number): { readonly resident: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const figure = (name: string) => {
    const [, kilobytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status) ?? [];
    return (Number(kilobytes) * 1024) / 1e6;
  };
  return { resident: figure('VmRSS'), peak: figure('VmHWM') };
}
