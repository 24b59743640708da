-- What the lists and the joins look up. The aggregates read every row that they add up.
CREATE INDEX idx_analytics_customers_segment ON analytics_customers (segment, id);
CREATE INDEX idx_analytics_customers_lifetime ON analytics_customers (lifetime_cents, id);
CREATE INDEX idx_analytics_sales_customer ON analytics_sales (customer_id);
CREATE INDEX idx_analytics_sales_day ON analytics_sales (day);
CREATE INDEX idx_analytics_sales_product ON analytics_sales (product_id);
CREATE INDEX idx_analytics_events_at ON analytics_events (at_s);
CREATE INDEX idx_fraud_alerts_at ON fraud_alerts (at_s, id);
CREATE INDEX idx_fraud_alerts_status ON fraud_alerts (status, priority, at_s);
