-- The seed's three indexes, and no more: its feedback is read whole, as its figures before caching
-- (150 ms and 100 ms) imply.
CREATE INDEX idx_patient_mizaj_type ON patients (mizaj_type);
CREATE INDEX idx_health_record_created ON health_records (created_at);
CREATE INDEX idx_recommendation_effectiveness ON recommendations (effectiveness_score);
