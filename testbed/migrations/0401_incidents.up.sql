-- The incident service's tables. Types are those that SQLite and PostgreSQL share, as everywhere.
CREATE TABLE incident_stores (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    region TEXT NOT NULL,
    opened_at BIGINT NOT NULL
);

CREATE TABLE incident_users (
    id BIGINT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL,
    email TEXT NOT NULL,
    store_id BIGINT NOT NULL,
    role TEXT NOT NULL
);

CREATE TABLE incidents (
    id BIGINT NOT NULL PRIMARY KEY,
    store_id BIGINT NOT NULL,
    store_name TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    severity BIGINT NOT NULL,
    status TEXT NOT NULL,
    title TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
