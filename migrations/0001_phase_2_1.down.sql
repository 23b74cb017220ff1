-- Children before parents, so that nothing points at a table that is gone.

DROP TABLE agent_executions;
DROP TABLE chat_messages;
DROP TABLE chat_sessions;
DROP TABLE settings;
DROP TABLE agents;
DROP TABLE schema_version;
