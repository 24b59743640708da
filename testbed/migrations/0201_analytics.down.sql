DROP TABLE fraud_alerts;
DROP TABLE analytics_events;
DROP TABLE analytics_sales;
DROP TABLE analytics_products;
DROP TABLE analytics_customers;
