// Measurements for benchmarks: whole processes, the peak memory of each, and medians.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Measures the time, and the peak memory of the program and the processes it starts (Linux). */
export async function timeWithMemory(program, words, { input = 'ignore', output = 'ignore' } = {}) {
  const began = performance.now()
  const child = spawn(program, words, { stdio: [input, output, 'inherit'] })
  const peaks = new Map()
  const look = () => {
    for (const pid of [child.pid, ...childrenOf(child.pid)]) {
      const [, kilobytes = '0'] = /VmHWM:\s+(\d+)/.exec(readOr(`/proc/${pid}/status`)) ?? []
      peaks.set(pid, Math.max(peaks.get(pid) ?? 0, Number(kilobytes) * 1024))
    }
  }
  const timer = setInterval(look, 20)
  const code = await new Promise((resolve) => child.once('close', resolve))
  clearInterval(timer)
  if (code !== 0) throw new Error(`${words.join(' ')} failed with ${code}`)
  return { milliseconds: performance.now() - began, bytes: Math.max(...peaks.values()) }
}

function readOr(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function childrenOf(pid) {
  return readOr(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean)
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
