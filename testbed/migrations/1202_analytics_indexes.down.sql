DROP INDEX idx_fraud_alerts_status;
DROP INDEX idx_fraud_alerts_at;
DROP INDEX idx_analytics_events_at;
DROP INDEX idx_analytics_sales_product;
DROP INDEX idx_analytics_sales_customer;
DROP INDEX idx_analytics_customers_lifetime;
DROP INDEX idx_analytics_customers_segment;
DROP INDEX idx_analytics_sales_day;
