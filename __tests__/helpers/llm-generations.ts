/** The tables of simonw/llm's log, by generation; later ones lie beside the earlier ones. */
export const GENERATION_0 = `CREATE TABLE logs (id INTEGER PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT,
  options_json TEXT, response TEXT, response_json TEXT, reply_to_id INTEGER, chat_id INTEGER, duration_ms INTEGER, datetime_utc TEXT);`

/** The very first table, which had no id. */
export const OLDEST = `CREATE TABLE log (provider TEXT, system TEXT, prompt TEXT, chat_id TEXT, response TEXT, model TEXT, timestamp TEXT);`

/** Generation 1 as it began, without later columns and tables. */
export const EARLY_1 = `CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
  CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT, options_json TEXT,
    response TEXT, response_json TEXT, conversation_id TEXT REFERENCES conversations (id), duration_ms INTEGER, datetime_utc TEXT);`

export const GENERATION_1 = `${EARLY_1}
  ALTER TABLE responses ADD COLUMN input_tokens INTEGER; ALTER TABLE responses ADD COLUMN output_tokens INTEGER;
  ALTER TABLE responses ADD COLUMN token_details TEXT; ALTER TABLE responses ADD COLUMN schema_id TEXT;
  ALTER TABLE responses ADD COLUMN resolved_model TEXT; ALTER TABLE responses ADD COLUMN reasoning TEXT;
  CREATE TABLE attachments (id TEXT PRIMARY KEY, type TEXT, path TEXT, url TEXT, content BLOB);
  CREATE TABLE prompt_attachments (response_id TEXT, attachment_id TEXT, "order" INTEGER, PRIMARY KEY (response_id, attachment_id));
  CREATE TABLE fragments (id INTEGER PRIMARY KEY, hash TEXT, content TEXT, datetime_utc TEXT, source TEXT);
  CREATE TABLE prompt_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER, PRIMARY KEY (response_id, fragment_id, "order"));
  CREATE TABLE system_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER, PRIMARY KEY (response_id, fragment_id, "order"));
  CREATE TABLE tools (id INTEGER PRIMARY KEY, hash TEXT, name TEXT, description TEXT, input_schema TEXT, plugin TEXT);
  CREATE TABLE tool_calls (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT, arguments TEXT, tool_call_id TEXT);
  CREATE TABLE tool_results (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT, output TEXT, tool_call_id TEXT,
    instance_id INTEGER, exception TEXT);
  CREATE TABLE tool_results_attachments (tool_result_id INTEGER, attachment_id TEXT, "order" INTEGER, PRIMARY KEY (tool_result_id, attachment_id));`

export const GENERATION_2 = `${GENERATION_1}
  CREATE TABLE messages (hash TEXT PRIMARY KEY, parent_hash TEXT, role TEXT, provider_metadata TEXT);
  CREATE TABLE parts (id INTEGER PRIMARY KEY, message_hash TEXT, position INTEGER, type TEXT, tool_name TEXT, text TEXT, payload TEXT);
  CREATE TABLE part_attachments (part_id INTEGER, attachment_id TEXT, "order" INTEGER, PRIMARY KEY (part_id, attachment_id));
  CREATE TABLE part_fragments (part_id INTEGER, fragment_id INTEGER, "order" INTEGER, PRIMARY KEY (part_id, fragment_id, "order"));
  CREATE TABLE threads (id TEXT PRIMARY KEY, name TEXT, tip_message_hash TEXT, forked_from TEXT, datetime_utc TEXT);
  CREATE TABLE turns (id TEXT PRIMARY KEY, thread_id TEXT, parent_message_hash TEXT, tip_message_hash TEXT, model TEXT, resolved_model TEXT,
    options_json TEXT, schema_id TEXT, input_tokens INTEGER, output_tokens INTEGER, token_details TEXT, duration_ms INTEGER,
    datetime_utc TEXT, response_json TEXT);
  CREATE VIEW message_tree AS SELECT 'canary-view' AS hash;`

/** Two turns: user u1, reply a1, user u2, reply a2. */
export const THREAD = `INSERT INTO messages VALUES ('b2:a1', 'b2:u1', 'assistant', NULL), ('b2:u1', NULL, 'user', NULL),
    ('b2:u2', 'b2:a1', 'user', NULL), ('b2:a2', 'b2:u2', 'assistant', NULL);
  INSERT INTO parts (message_hash, position, type, text, payload) VALUES ('b2:a1', 1, 'text', 'Percy', NULL), ('b2:u1', 0, 'text', 'Name a pelican', NULL),
    ('b2:u2', 0, 'text', 'And a walrus', NULL), ('b2:a2', 0, 'text', 'Wallace', NULL), ('b2:a1', 0, 'reasoning', 'dignified', NULL);
  INSERT INTO turns (id, thread_id, parent_message_hash, tip_message_hash, model, input_tokens, datetime_utc) VALUES
    ('01b', 't-1', 'b2:u2', 'b2:a2', 'gpt-5', 5, '2026-08-05T10:01:00+00:00'),
    ('01a', 't-1', 'b2:u1', 'b2:a1', 'scripted', 2, '2026-08-05T10:00:00+00:00');
  INSERT INTO threads VALUES ('t-1', 'Name a pelican', 'b2:a2', NULL, '2026-08-05T10:00:00+00:00');`
