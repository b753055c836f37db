-- What a run keeps. Iterations count from 1; indices (position, prompt, candidate, chosen, rejected) from 0.

CREATE TABLE IF NOT EXISTS property (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL);

-- A stage that is finished, and what it took in the process that finished it.
CREATE TABLE IF NOT EXISTS stage (
  name TEXT PRIMARY KEY,
  seconds REAL NOT NULL);

-- A model's location is a folder, or a reference that its plugin understands.
CREATE TABLE IF NOT EXISTS model (
  name TEXT PRIMARY KEY,
  parent TEXT,
  location TEXT NOT NULL,
  reference INTEGER NOT NULL,
  provenance TEXT NOT NULL);

-- Messages are [{role, content}]; the first has the length of Prompt.templatePrefix, where there is one, as "beginning".
-- Fields are the other keys of the line that the prompt was read from.
CREATE TABLE IF NOT EXISTS prompt (
  iteration INTEGER,
  position INTEGER,
  id TEXT NOT NULL,
  messages TEXT NOT NULL,
  fields TEXT NOT NULL,
  tokens TEXT,
  PRIMARY KEY (iteration, position),
  UNIQUE (iteration, id));

-- Attempts at new prompts, those that a filter rejected too.
CREATE TABLE IF NOT EXISTS created_prompt (
  iteration INTEGER,
  position INTEGER,
  id TEXT NOT NULL,
  model TEXT NOT NULL,
  shots TEXT NOT NULL,
  seed INTEGER NOT NULL,
  text TEXT NOT NULL,
  outcome TEXT NOT NULL,
  PRIMARY KEY (iteration, position));

CREATE TABLE IF NOT EXISTS candidate (
  iteration INTEGER,
  prompt INTEGER,
  position INTEGER,
  model TEXT NOT NULL,
  seed INTEGER NOT NULL,
  text TEXT NOT NULL,
  tokens TEXT NOT NULL,
  token_count INTEGER,
  log_probability REAL,
  finish_reason TEXT NOT NULL,
  PRIMARY KEY (iteration, prompt, position),
  FOREIGN KEY (iteration, prompt) REFERENCES prompt (iteration, position));

CREATE TABLE IF NOT EXISTS judgement (
  iteration INTEGER,
  prompt INTEGER,
  candidate INTEGER,
  judge TEXT NOT NULL,
  model TEXT NOT NULL,
  score REAL,
  PRIMARY KEY (iteration, prompt, candidate),
  FOREIGN KEY (iteration, prompt, candidate) REFERENCES candidate (iteration, prompt, position));

CREATE TABLE IF NOT EXISTS judgement_sample (
  iteration INTEGER,
  prompt INTEGER,
  candidate INTEGER,
  position INTEGER,
  seed INTEGER,
  score REAL,
  text TEXT NOT NULL,
  shown TEXT NOT NULL,
  unread TEXT,
  PRIMARY KEY (iteration, prompt, candidate, position),
  FOREIGN KEY (iteration, prompt, candidate) REFERENCES judgement (iteration, prompt, candidate));

-- What the next iterate learns from.
CREATE TABLE IF NOT EXISTS pair (
  iteration INTEGER,
  prompt INTEGER,
  chosen INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  weight REAL NOT NULL,
  PRIMARY KEY (iteration, prompt),
  FOREIGN KEY (iteration, prompt, chosen) REFERENCES judgement (iteration, prompt, candidate),
  FOREIGN KEY (iteration, prompt, rejected) REFERENCES judgement (iteration, prompt, candidate));

-- What the future iterate learns from that helps to choose the pairs of the next.
CREATE TABLE IF NOT EXISTS future_pair (
  iteration INTEGER,
  prompt INTEGER,
  chosen INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  weight REAL NOT NULL,
  PRIMARY KEY (iteration, prompt),
  FOREIGN KEY (iteration, prompt, chosen) REFERENCES judgement (iteration, prompt, candidate),
  FOREIGN KEY (iteration, prompt, rejected) REFERENCES judgement (iteration, prompt, candidate));

-- The score by the previous iterate.
CREATE TABLE IF NOT EXISTS earlier_score (
  iteration INTEGER,
  prompt INTEGER,
  candidate INTEGER,
  model TEXT NOT NULL,
  score REAL,
  PRIMARY KEY (iteration, prompt, candidate),
  FOREIGN KEY (iteration, prompt, candidate) REFERENCES candidate (iteration, prompt, position));

CREATE TABLE IF NOT EXISTS metric (
  iteration INTEGER,
  name TEXT,
  value REAL NOT NULL,
  PRIMARY KEY (iteration, name));

CREATE TABLE IF NOT EXISTS training_step (
  model TEXT,
  step INTEGER,
  steps INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  metrics TEXT NOT NULL,
  PRIMARY KEY (model, step));
