-- The score report generator's tables. Types are those that SQLite and PostgreSQL share, as everywhere.
CREATE TABLE score_users (
    id BIGINT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    name TEXT NOT NULL
);

CREATE TABLE score_reports (
    id BIGINT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL,
    title TEXT NOT NULL,
    taken_at BIGINT NOT NULL
);

CREATE TABLE score_sections (
    id BIGINT NOT NULL PRIMARY KEY,
    report_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    questions BIGINT NOT NULL,
    correct BIGINT NOT NULL,
    scaled BIGINT NOT NULL,
    CHECK (correct <= questions)
);
