DROP TABLE incidents;
DROP TABLE incident_users;
DROP TABLE incident_stores;
