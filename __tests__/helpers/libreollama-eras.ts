/**
 * LibreOllama's tables in each of its eras, as far as an importer meets them, with one chat or two that set
 * traps.
 */
const VERSIONS = (...versions: number[]) =>
  `CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at DATETIME DEFAULT CURRENT_TIMESTAMP);
   INSERT INTO schema_version (version) VALUES ${versions.map((version) => `(${version})`).join(', ')};`

// Tables that hold secrets; reading them is an error of the importer, and their columns are not those it
// expects.
const SECRETS = `CREATE TABLE mcp_servers (id TEXT, auth_token TEXT); INSERT INTO mcp_servers VALUES ('m', 'canary-secret');
  CREATE TABLE n8n_connections (id TEXT, api_key TEXT); INSERT INTO n8n_connections VALUES ('n', 'canary-secret');
  CREATE TABLE gmail_accounts_secure (id TEXT, encrypted_tokens TEXT); INSERT INTO gmail_accounts_secure VALUES ('g', 'canary-secret');`

const SETTINGS_OF_A = `CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL, description TEXT,
    created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP);
  INSERT INTO settings (key, value, description) VALUES ('theme', 'system', 'the look'), ('default_model', 'llama2', NULL);
  CREATE TABLE user_preferences (id TEXT PRIMARY KEY, preference_key TEXT NOT NULL UNIQUE, preference_value TEXT NOT NULL,
    preference_type TEXT NOT NULL CHECK (preference_type IN ('string', 'number', 'boolean', 'json')), description TEXT,
    is_system BOOLEAN NOT NULL DEFAULT FALSE, created_at DATETIME, updated_at DATETIME);
  INSERT INTO user_preferences (id, preference_key, preference_value, preference_type, description, is_system) VALUES
    ('pref_theme', 'theme', 'dark', 'string', 'theme of the window', 'true'), ('pref_size', 'size', '12', 'number', NULL, 'false');`

const EXECUTIONS_OF_A = `CREATE TABLE agent_executions (id TEXT PRIMARY KEY, agent_id TEXT NOT NULL, session_id TEXT, input TEXT NOT NULL,
    output TEXT, status TEXT NOT NULL, started_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, completed_at DATETIME, error_message TEXT, metadata TEXT);`

export const ERA_A = `${VERSIONS(0, 1, 2, 3, 4)} ${SECRETS} ${SETTINGS_OF_A} ${EXECUTIONS_OF_A}
  CREATE TABLE agents (id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT, model_name TEXT NOT NULL, system_prompt TEXT,
    temperature REAL, max_tokens INTEGER, created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, is_active BOOLEAN NOT NULL DEFAULT TRUE, metadata TEXT);
  CREATE TABLE chat_sessions (id TEXT PRIMARY KEY, title TEXT NOT NULL, model_name TEXT, agent_id TEXT,
    created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    is_archived BOOLEAN NOT NULL DEFAULT FALSE, metadata TEXT, context_id TEXT, template_id TEXT, system_message TEXT,
    pinned BOOLEAN NOT NULL DEFAULT FALSE, outgoing_links_count INTEGER NOT NULL DEFAULT 0,
    incoming_links_count INTEGER NOT NULL DEFAULT 0, last_linked DATETIME,
    FOREIGN KEY (agent_id) REFERENCES agents (id) ON DELETE SET NULL);
  CREATE TABLE chat_messages (id TEXT PRIMARY KEY, session_id TEXT NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL,
    model_name TEXT, created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, metadata TEXT, response_time_ms INTEGER,
    token_count INTEGER, cached BOOLEAN NOT NULL DEFAULT FALSE);
  INSERT INTO agents VALUES ('agent-1', 'Coder', 'writes', 'codellama', 'be brief', 0.2, 100, '2025-06-05T20:22:06+00:00',
    '2025-06-05 20:22:07', 'false', '["search","files"]');
  INSERT INTO chat_sessions (id, title, model_name, agent_id, created_at, updated_at, is_archived, metadata, context_id,
    template_id, system_message, pinned) VALUES
    ('s-1', 'First', 'llama2', 'agent-1', '2025-06-05T20:22:06.123456789+00:00', '2025-06-05 20:30:00', 'true',
      '{"tags":["a"]}', NULL, 'tpl', 'be kind', 'true'),
    ('s-2', '', NULL, 'nobody', '2025-06-06T00:00:00.5+02:00', '2025-06-06T00:00:00Z', 0, 'not json', '', '', '', 0);
  INSERT INTO chat_messages VALUES
    ('m-z', 's-1', 'user', 'one', NULL, '2025-06-05 20:22:06', NULL, NULL, NULL, 'false'),
    ('m-c', 's-1', 'assistant', 'three', 'llama2', '2025-06-05T20:22:08Z', '{"tokens":3}', 1200, 7, 'true'),
    ('m-b', 's-1', 'User', 'two', NULL, '2025-06-05T20:22:07.5+00:00', NULL, NULL, NULL, 0);`

const AGENTS_OF_B = `CREATE TABLE agents (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, description TEXT NOT NULL,
    system_prompt TEXT NOT NULL, capabilities TEXT NOT NULL, parameters TEXT NOT NULL, is_active BOOLEAN NOT NULL DEFAULT 1,
    created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL);
  INSERT INTO agents VALUES (1, 'Helper', 'helps', 'be brief', '["chat"]', '{"model":"mistral","temperature":0.4,"max_tokens":"64"}',
      1, '2025-06-20 10:00:00', '2025-06-20 10:00:00'),
    (2, 'Plain', '', '', '[]', '{}', 0, '2025-06-20 11:00:00', '2025-06-20 11:00:00');`

const PREFERENCES = `CREATE TABLE user_preferences (id INTEGER PRIMARY KEY AUTOINCREMENT, preference_key TEXT NOT NULL UNIQUE,
    preference_value TEXT NOT NULL, preference_type_name TEXT NOT NULL);
  INSERT INTO user_preferences (preference_key, preference_value, preference_type_name) VALUES ('theme', 'dark', 'String');`

const MESSAGES_OF_B = `CREATE TABLE chat_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id INTEGER NOT NULL, role TEXT NOT NULL,
    content TEXT NOT NULL, created_at DATETIME NOT NULL);
  INSERT INTO chat_messages (session_id, role, content, created_at) VALUES
    (1, 'USER', 'same second, said first', '2025-06-20 10:00:05'), (1, 'narrator', 'same second, said second', '2025-06-20 10:00:05'),
    (2, 'user', 'elsewhere', '2025-06-20 12:00:00'), (1, 'user', 'later', '2025-06-20 10:00:06');`

export const ERA_B = `${VERSIONS(1, 2, 3, 4)} ${SECRETS} ${AGENTS_OF_B} ${PREFERENCES} ${MESSAGES_OF_B}
  CREATE TABLE chat_sessions (id INTEGER PRIMARY KEY AUTOINCREMENT, session_name TEXT NOT NULL, user_id TEXT NOT NULL,
    created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL, outgoing_links_count INTEGER NOT NULL DEFAULT 0,
    incoming_links_count INTEGER NOT NULL DEFAULT 0, last_linked DATETIME);
  INSERT INTO chat_sessions (session_name, user_id, created_at, updated_at) VALUES
    ('Summer', 'someone', '2025-06-20 10:00:00', '2025-06-20 10:00:06'), ('Winter', 'someone', '2025-01-20 10:00:00', '2025-01-20 10:00:00');`

export const ERA_C = `${VERSIONS(1, 2, 3, 4, 5, 6, 7, 8)} ${SECRETS} ${AGENTS_OF_B} ${PREFERENCES} ${MESSAGES_OF_B}
  CREATE TABLE chat_sessions (id INTEGER PRIMARY KEY AUTOINCREMENT, session_name TEXT NOT NULL, user_id TEXT NOT NULL,
    created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL);
  INSERT INTO chat_sessions (session_name, user_id, created_at, updated_at) VALUES
    ('Summer', 'someone', '2025-07-09 10:00:00.5', '2025-07-09 10:00:06'), ('Winter', 'someone', '2025-01-20 10:00:00', '2025-01-20 10:00:00');`

const REST_OF_D = `${SECRETS} ${PREFERENCES}
  CREATE TABLE agents (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, description TEXT,
    model_name TEXT NOT NULL DEFAULT 'llama3.2:latest', system_prompt TEXT, temperature REAL DEFAULT 0.7, max_tokens INTEGER DEFAULT 2048,
    is_active BOOLEAN DEFAULT true, capabilities TEXT, parameters TEXT, created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP);
  INSERT INTO agents (name, parameters, created_at, updated_at) VALUES ('Writer', '{"model":"qwen3"}', '2025-07-15 13:54:12.5', NULL);
  CREATE TABLE agent_executions (id INTEGER PRIMARY KEY AUTOINCREMENT, agent_id INTEGER NOT NULL, session_id INTEGER, input TEXT NOT NULL,
    output TEXT, status TEXT DEFAULT 'pending', error_message TEXT, executed_at DATETIME DEFAULT CURRENT_TIMESTAMP);
  INSERT INTO agent_executions (agent_id, session_id, input) VALUES (1, 1, 'run');
  CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id INTEGER NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant')), content TEXT NOT NULL, token_count INTEGER DEFAULT 0,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP);
  CREATE TABLE chat_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id INTEGER NOT NULL, role TEXT NOT NULL,
    content TEXT NOT NULL, token_count INTEGER DEFAULT 0, created_at DATETIME DEFAULT CURRENT_TIMESTAMP);
  INSERT INTO chat_messages (session_id, role, content, token_count, created_at) VALUES
    (1, 'user', 'local', 0, '2025-07-15 13:54:12.123456789'), (1, 'assistant', 'in UTC', 9, '2025-07-15 17:54:20'),
    (1, 'assistant', 'regenerated', 0, '2025-07-15 13:54:40.25'), (99, 'user', 'left behind', 0, '2025-07-15 13:54:40.25');
  INSERT INTO messages (session_id, role, content, created_at) VALUES (1, 'user', 'of the other table', '2025-07-15 13:54:30.5');`

const SESSIONS_OF_D = `CREATE TABLE chat_sessions (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT, session_name TEXT, user_id TEXT,
    agent_id INTEGER, context_length INTEGER DEFAULT 4096, is_active BOOLEAN DEFAULT true,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP);
  INSERT INTO chat_sessions (title, session_name, user_id, agent_id, is_active, created_at, updated_at) VALUES
    (NULL, 'Named', 'user_id_placeholder', 1, 'false', '2025-07-15 13:54:12.1', '2025-07-15 17:54:40'),
    (NULL, NULL, 'another', 77, NULL, '2025-07-15 17:54:12', '2025-07-15 17:54:12'),
    ('Only a title', NULL, NULL, NULL, 1, NULL, NULL);`

export const ERA_D = `${VERSIONS(1, 2, 14)} ${REST_OF_D} ${SESSIONS_OF_D}`

export const ERA_E = `${ERA_D} ALTER TABLE chat_sessions ADD COLUMN model_id TEXT; ALTER TABLE chat_sessions ADD COLUMN provider TEXT;
  UPDATE chat_sessions SET model_id = 'qwen3', provider = 'ollama' WHERE id = 1;`

export const WRECK = `${VERSIONS(0, 1, 2, 3, 4, 5, 6, 7, 8)} ${SECRETS} ${SETTINGS_OF_A} ${EXECUTIONS_OF_A}
  CREATE TABLE agents (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);`
