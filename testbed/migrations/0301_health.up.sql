-- The health system's tables. Times are whole seconds since 1970, shares are thousandths.
CREATE TABLE patients (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    mizaj_type TEXT NOT NULL,
    age BIGINT NOT NULL
);

CREATE TABLE diagnoses (
    id BIGINT NOT NULL PRIMARY KEY,
    patient_id BIGINT NOT NULL,
    condition_id BIGINT NOT NULL,
    severity BIGINT NOT NULL
);

CREATE TABLE health_records (
    id BIGINT NOT NULL PRIMARY KEY,
    patient_id BIGINT NOT NULL,
    pulse BIGINT NOT NULL,
    sleep_minutes BIGINT NOT NULL,
    wellness BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE recommendations (
    id BIGINT NOT NULL PRIMARY KEY,
    condition_id BIGINT NOT NULL,
    name_en TEXT NOT NULL,
    name_fa TEXT NOT NULL,
    name_ar TEXT NOT NULL,
    effectiveness_score BIGINT NOT NULL
);

CREATE TABLE feedback (
    id BIGINT NOT NULL PRIMARY KEY,
    recommendation_id BIGINT NOT NULL,
    patient_id BIGINT NOT NULL,
    rating BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
