/** What the kernel counts of a process of workerd. Linux only. */

import { readFileSync } from 'node:fs';

/** Time that the main thread, on which the worker runs, has run, by the kernel's own count. */
export function processorMs(pid: number): number {
  const [nanoseconds] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
  return Number(nanoseconds) / 1e6;
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
