-- The indexes that the score report generator's queries need; its document names none.
CREATE INDEX idx_score_users_email ON score_users (email);
CREATE INDEX idx_score_reports_user_taken ON score_reports (user_id, taken_at, id);
CREATE INDEX idx_score_sections_report ON score_sections (report_id);
CREATE INDEX idx_score_sections_name_scaled ON score_sections (name, scaled);
