DROP INDEX idx_incident_users_store_id;
DROP INDEX idx_incident_users_email;
DROP INDEX idx_incident_users_username;
DROP INDEX idx_incidents_store_created;
DROP INDEX idx_incidents_created_at;
DROP INDEX idx_incidents_user_id;
DROP INDEX idx_incidents_store_name;
