import type { Database } from './core/database/database.ts'
import type { Connection } from './core/engine/connection.ts'
import { checkRecords } from './core/records/check-given.ts'
import { agent } from './core/records/entities/agent.ts'
import { type AgentExecution, execution } from './core/records/entities/execution.ts'
import { message } from './core/records/entities/message.ts'
import { session } from './core/records/entities/session.ts'
import { type Setting, setting } from './core/records/entities/setting.ts'
import type { ChangesOf, Entity, EntityRow, NewOf, RecordOf } from './core/records/entity.ts'
import { createExecutions, type Ending, endExecution } from './core/records/executions.ts'
import { type ListOptions, listRecords } from './core/records/list-records.ts'
import { createMessages } from './core/records/messages.ts'
import {
  createRecords,
  type Deletion,
  deleteRecords,
  getRecord,
  updateRecord,
} from './core/records/repository.ts'
import { setSetting as setSettingWith } from './core/records/settings.ts'
import { type Hit, type SearchOptions, searchMessages } from './core/search/search.ts'

/** Makes records of an entity in the transaction of `writer`. */
type CreateAll<Of extends Entity> = (
  writer: Connection,
  inputs: readonly EntityRow[],
  now: Date,
) => Promise<RecordOf<Of>[]>

/**
 * The functions that every entity has. Each call is one transaction; an id may be given by its first 8
 * characters.
 */
function recordsOf<Of extends Entity>(
  entity: Of,
  createAll: CreateAll<Of> = (writer, inputs, now) => createRecords(writer, entity, inputs, now),
) {
  const createMany = async (db: Database, inputs: readonly NewOf<Of>[]): Promise<RecordOf<Of>[]> => {
    checkRecords(`${entity.name}: what is given`, inputs)
    return db.transaction((writer) => createAll(writer, inputs as readonly EntityRow[], new Date()))
  }
  return {
    /** Makes records, all or none, in this order. Throws INVALID for a value that is refused. */
    createMany,
    /** Makes a record. Throws INVALID for a value that is refused or a reference that leads nowhere. */
    create: async (db: Database, input: NewOf<Of>): Promise<RecordOf<Of>> => {
      const [made] = await createMany(db, [input])
      if (!made) throw new Error('a record that was made was not read back')
      return made
    },
    /** The record with this id. Throws NOT_FOUND with the nearest ids. */
    get: (db: Database, id: string): Promise<RecordOf<Of>> =>
      db.read((reader) => getRecord(reader, entity, id)),
    /** Records in pages of up to 500, each read when it is asked for. Throws INVALID for an unknown field. */
    list: (db: Database, options?: ListOptions<Of>): AsyncGenerator<RecordOf<Of>[]> =>
      listRecords(db, entity, options),
    /** Changes the given fields but not the key; null clears one. Throws NOT_FOUND, INVALID. */
    update: (db: Database, id: string, changes: ChangesOf<Of>): Promise<RecordOf<Of>> =>
      db.transaction((writer) => updateRecord(writer, entity, id, changes, new Date())),
    /** Deletes records, all or none; tells how many of others went along. Throws NOT_FOUND. */
    remove: (db: Database, ...ids: string[]): Promise<Deletion> =>
      db.transaction((writer) => deleteRecords(writer, entity, ids)),
  }
}

const sessions = recordsOf(session)
const messages = recordsOf(message, createMessages)
const agents = recordsOf(agent)
const settings = recordsOf(setting)
const executions = recordsOf(execution, createExecutions)

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
  return db.transaction((writer) => setSettingWith(writer, key, value, new Date()))
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
  return db.transaction((writer) => endExecution(writer, id, status, fields, new Date()))
}

/** Messages that contain all the words, the best first. */
export function searchChatMessages(db: Database, words: string, options?: SearchOptions): Promise<Hit[]> {
  return db.read((reader) => searchMessages(reader, words, options))
}
