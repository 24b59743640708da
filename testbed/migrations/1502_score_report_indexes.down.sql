DROP INDEX idx_score_sections_name_scaled;
DROP INDEX idx_score_sections_report;
DROP INDEX idx_score_reports_user_taken;
DROP INDEX idx_score_users_email;
