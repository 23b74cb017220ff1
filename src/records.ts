import type { Database } from './core/database/database.ts'
import type { Connection } from './core/engine/connection.ts'
import { checkRecords } from './core/records/check-given.ts'
import { agent } from './core/records/entities/agent.ts'
import { execution } from './core/records/entities/execution.ts'
import { message } from './core/records/entities/message.ts'
import { session } from './core/records/entities/session.ts'
import { setting } from './core/records/entities/setting.ts'
import type { Entity, EntityRow } from './core/records/entity.ts'
import { createExecutions, type Ending, endExecution } from './core/records/executions.ts'
import { type ListOptions, listRecords } from './core/records/list-records.ts'
import { createMessages } from './core/records/messages.ts'
import type { Agent, AgentExecution, ChatMessage, ChatSession, New, Setting } from './core/records/models.ts'
import {
  createRecords,
  type Deletion,
  deleteRecords,
  getRecord,
  updateRecord,
} from './core/records/repository.ts'
import { setSetting as setSettingWith } from './core/records/settings.ts'
import { type Hit, type SearchOptions, searchMessages } from './core/search/search.ts'

type CreateAll = (writer: Connection, inputs: EntityRow[], now: Date) => Promise<EntityRow[]>

/**
 * The functions that every entity has. Each call is one transaction; an id may be given by its first 8
 * characters.
 */
function recordsOf<Model, Input>(entity: Entity, createAll?: CreateAll) {
  const insert: CreateAll = createAll ?? ((writer, inputs, now) => createRecords(writer, entity, inputs, now))
  const createMany = async (db: Database, inputs: readonly Input[]): Promise<Model[]> => {
    checkRecords(`${entity.name}: what is given`, inputs)
    return db.transaction((writer) => insert(writer, inputs as EntityRow[], new Date())) as Promise<Model[]>
  }
  return {
    /** Makes records, all or none, in this order. Throws INVALID for a value that is refused. */
    createMany,
    /** Makes a record. Throws INVALID for a value that is refused or a reference that leads nowhere. */
    create: async (db: Database, input: Input): Promise<Model> => (await createMany(db, [input]))[0] as Model,
    /** The record with this id. Throws NOT_FOUND with the nearest ids. */
    get: (db: Database, id: string): Promise<Model> =>
      db.read((reader) => getRecord(reader, entity, id)) as Promise<Model>,
    /** Records in pages of up to 500, each read when it is asked for. Throws INVALID for an unknown field. */
    list: (db: Database, options?: ListOptions): AsyncGenerator<Model[]> =>
      listRecords(db, entity, options) as AsyncGenerator<Model[]>,
    /** Changes the given fields; null clears one. Throws NOT_FOUND, INVALID. */
    update: (db: Database, id: string, changes: Partial<Model>): Promise<Model> =>
      db.transaction((writer) =>
        updateRecord(writer, entity, id, changes as EntityRow, new Date()),
      ) as Promise<Model>,
    /** Deletes records, all or none; tells how many of others went along. Throws NOT_FOUND. */
    remove: (db: Database, ...ids: string[]): Promise<Deletion> =>
      db.transaction((writer) => deleteRecords(writer, entity, ids)),
  }
}

const sessions = recordsOf<ChatSession, New<ChatSession, 'title'>>(session)
const messages = recordsOf<ChatMessage, New<ChatMessage, 'session_id' | 'role' | 'content'>>(
  message,
  createMessages,
)
const agents = recordsOf<Agent, New<Agent, 'name' | 'model_name'>>(agent)
const settings = recordsOf<Setting, New<Setting, 'key' | 'value'>>(setting)
const executions = recordsOf<AgentExecution, New<AgentExecution, 'agent_id' | 'input'>>(
  execution,
  createExecutions,
)

/** Chats. Throw INVALID for a value that is refused, NOT_FOUND for an id that no record has. */
export const createChatSession = sessions.create
export const createChatSessions = sessions.createMany
export const getChatSession = sessions.get
export const listChatSessions = sessions.list
export const updateChatSession = sessions.update
export const deleteChatSession = sessions.remove

/** Messages; adding one touches its chat. `createChatMessages` adds any number, all or none. */
export const createChatMessage = messages.create
export const createChatMessages = messages.createMany
export const getChatMessage = messages.get
export const listChatMessages = messages.list
export const updateChatMessage = messages.update
export const deleteChatMessage = messages.remove

export const createAgent = agents.create
export const createAgents = agents.createMany
export const getAgent = agents.get
export const listAgents = agents.list
export const updateAgent = agents.update
export const deleteAgent = agents.remove

export const createSetting = settings.create
export const getSetting = settings.get
export const listSettings = settings.list
export const updateSetting = settings.update
export const deleteSetting = settings.remove

/** Gives a setting a value, made where it is missing. */
export function setSetting(db: Database, key: string, value: string): Promise<Setting> {
  return db.transaction((writer) =>
    setSettingWith(writer, key, value, new Date()),
  ) as Promise<unknown> as Promise<Setting>
}

export const createAgentExecution = executions.create
export const createAgentExecutions = executions.createMany
export const getAgentExecution = executions.get
export const listAgentExecutions = executions.list
export const updateAgentExecution = executions.update
export const deleteAgentExecution = executions.remove

/** Ends a running execution. Throws INVALID when it has ended already. */
export function endAgentExecution(
  db: Database,
  id: string,
  status: Ending,
  fields: Partial<Pick<AgentExecution, 'output' | 'error_message' | 'metadata'>> = {},
): Promise<AgentExecution> {
  return db.transaction((writer) =>
    endExecution(writer, id, status, fields, new Date()),
  ) as Promise<unknown> as Promise<AgentExecution>
}

/** Messages that contain all the words, the best first. */
export function searchChatMessages(db: Database, words: string, options?: SearchOptions): Promise<Hit[]> {
  return db.read((reader) => searchMessages(reader, words, options))
}
