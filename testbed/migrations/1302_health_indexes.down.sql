DROP INDEX idx_recommendation_effectiveness;
DROP INDEX idx_health_record_created;
DROP INDEX idx_patient_mizaj_type;
