-- Full text over what was said, inside the encrypted file. The index holds no second copy of the text: it reads it
-- through a view. Its row numbers are kept in a table of their own, because those of chat_messages, whose key is text,
-- may change when a file is compacted or copied.

CREATE TABLE message_search_rows (
  docid INTEGER PRIMARY KEY,
  message_id TEXT NOT NULL UNIQUE
);

CREATE VIEW message_search_content AS
  SELECT r.docid AS docid, m.content AS content
  FROM message_search_rows r JOIN chat_messages m ON m.id = r.message_id;

CREATE VIRTUAL TABLE message_search USING fts5(
  content,
  content = 'message_search_content',
  content_rowid = 'docid',
  tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TRIGGER message_search_insert AFTER INSERT ON chat_messages BEGIN
  INSERT INTO message_search_rows (message_id) VALUES (new.id);
  INSERT INTO message_search (rowid, content)
    SELECT docid, new.content FROM message_search_rows WHERE message_id = new.id;
END;

CREATE TRIGGER message_search_delete AFTER DELETE ON chat_messages BEGIN
  INSERT INTO message_search (message_search, rowid, content)
    SELECT 'delete', docid, old.content FROM message_search_rows WHERE message_id = old.id;
  DELETE FROM message_search_rows WHERE message_id = old.id;
END;

CREATE TRIGGER message_search_update AFTER UPDATE OF id, content ON chat_messages BEGIN
  INSERT INTO message_search (message_search, rowid, content)
    SELECT 'delete', docid, old.content FROM message_search_rows WHERE message_id = old.id;
  UPDATE message_search_rows SET message_id = new.id WHERE message_id = old.id;
  INSERT INTO message_search (rowid, content)
    SELECT docid, new.content FROM message_search_rows WHERE message_id = new.id;
END;

INSERT INTO message_search_rows (message_id) SELECT id FROM chat_messages ORDER BY created_at;
INSERT INTO message_search (message_search) VALUES ('rebuild');
