import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Conversation, ConversationNode, Part } from '../../src/core/transfer/conversation.ts'
import { packageRoot } from '../../src/package-root.ts'

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** A sample of a foreign format, made up for the tests. */
export function readSample(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(packageRoot(), '__tests__/fixtures/transfer', name), 'utf8'))
}

/** The text of a message. */
export function textOf(node: ConversationNode | undefined): string {
  return partsOf(node, 'text')
    .map(({ text }) => text)
    .join('\n')
}

/** The parts of one kind. */
export function partsOf<Kind extends Part['kind']>(node: ConversationNode | undefined, kind: Kind) {
  return (node?.parts ?? []).filter((part): part is Extract<Part, { kind: Kind }> => part.kind === kind)
}

/** What every conversation must be, whatever it was made from. */
export function expectSound(conversation: Conversation): void {
  const seen = new Set<string>()
  for (const { id, parent, role, created_at } of conversation.nodes) {
    if (parent !== null && !seen.has(parent)) throw new Error(`${id} comes before its parent ${parent}`)
    if (seen.has(id)) throw new Error(`${id} is there twice`)
    if (!['user', 'assistant', 'system', 'tool'].includes(role)) throw new Error(`role ${role}`)
    expectTime(created_at)
    seen.add(id)
  }
  if (conversation.current === null ? seen.size > 0 : !seen.has(conversation.current)) {
    throw new Error(`the current message ${conversation.current} is none of ${seen.size}`)
  }
  if (conversation.nodes.some(saysWhatAToolSaid)) throw new Error('a tool has text')
  if (typeof conversation.id !== 'string' || conversation.id === '') throw new Error('no id')
  expectTime(conversation.created_at)
  expectTime(conversation.updated_at)
  expect(JSON.parse(JSON.stringify(conversation))).toEqual(conversation)
}

function saysWhatAToolSaid({ role, parts }: ConversationNode): boolean {
  return role === 'tool' && parts.some(({ kind }) => kind === 'text')
}

function expectTime(time: string | null): void {
  if (time !== null && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/.test(time)) throw new Error(time)
}

/** Copies of a sample with one to three places changed at random, the same for the same seed. */
export function* mutations(sample: unknown, count: number, seed = 1): Generator<unknown> {
  const random = generator(seed)
  for (let number = 0; number < count; number++) {
    const copy = { root: structuredClone(sample) as Json }
    for (let change = 0; change <= random(3); change++) mutate(copy, random)
    yield copy.root
  }
}

function mutate(holder: { root: Json }, random: (below: number) => number): void {
  const places: [Json[] | { [name: string]: Json }, string][] = []
  const strings: string[] = []
  const walk = (value: Json) => {
    if (typeof value === 'string') strings.push(value)
    if (typeof value !== 'object' || value === null) return
    for (const [name, inner] of Object.entries(value)) {
      places.push([value, name])
      walk(inner)
    }
  }
  walk(holder as unknown as Json)
  const [target, name] = places[random(places.length)] ?? [[], '0']
  const parts = target as { [name: string]: Json }
  // Another text of the same sample makes circles, repeated ids and parents that are no parents.
  const other = strings[random(strings.length)] ?? ''
  const values: Json[] = [
    null,
    0,
    -1,
    1e300,
    1.5,
    '',
    'x',
    '\u0000\ud800',
    true,
    [],
    [null],
    [[1]],
    {},
    { a: 1 },
  ]
  const choice = random(values.length + 8)
  if (choice < values.length) parts[name] = values[choice] ?? null
  else if (choice < values.length + 3) parts[name] = other
  else if (choice < values.length + 5) {
    const [from, key] = places[random(places.length)] ?? [[], '0']
    parts[name] = structuredClone((from as { [name: string]: Json })[key] ?? null)
  } else if (Array.isArray(target) && choice === values.length + 5)
    target.push(structuredClone(target[0] ?? null))
  else if (Array.isArray(target)) target.splice(Number(name), 1)
  else delete parts[name]
}

/** A small linear congruential generator: whole numbers from 0 to below the limit. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
