DROP TABLE score_sections;
DROP TABLE score_reports;
DROP TABLE score_users;
