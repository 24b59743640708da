-- The indexes that the incident service's document recommends, and the one that its list needs.
CREATE INDEX idx_incidents_store_name ON incidents (store_name);
CREATE INDEX idx_incidents_user_id ON incidents (user_id);
CREATE INDEX idx_incidents_created_at ON incidents (created_at);
CREATE INDEX idx_incidents_store_created ON incidents (store_id, created_at, id);

CREATE INDEX idx_incident_users_username ON incident_users (username);
CREATE INDEX idx_incident_users_email ON incident_users (email);
CREATE INDEX idx_incident_users_store_id ON incident_users (store_id);
