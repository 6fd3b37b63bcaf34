-- Whether a source has told all of the past that it was asked for. Nothing was said of it before: it is taken to be so.
ALTER TABLE source ADD COLUMN history_told INTEGER NOT NULL DEFAULT 1;
