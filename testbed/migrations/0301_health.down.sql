DROP TABLE feedback;
DROP TABLE recommendations;
DROP TABLE health_records;
DROP TABLE diagnoses;
DROP TABLE patients;
