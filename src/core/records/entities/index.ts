import type { Entity } from '../entity.ts'
import { agent } from './agent.ts'
import { execution } from './execution.ts'
import { message } from './message.ts'
import { session } from './session.ts'
import { setting } from './setting.ts'

/** Every entity; a further one is a file of its own and a name here. */
export const ENTITIES: Record<string, Entity> = { session, message, agent, setting, execution }
