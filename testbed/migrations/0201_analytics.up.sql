-- The analytics system's tables: a shop's customers, sales, visits and fraud alerts. Days are whole
-- days since 1970, a month is the day that it begins on, times are whole seconds since 1970.
CREATE TABLE analytics_customers (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    region TEXT NOT NULL,
    segment TEXT NOT NULL,
    risk_level TEXT NOT NULL,
    lifetime_cents BIGINT NOT NULL,
    joined_day BIGINT NOT NULL
);

CREATE TABLE analytics_products (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    price_cents BIGINT NOT NULL
);

CREATE TABLE analytics_sales (
    id BIGINT NOT NULL PRIMARY KEY,
    customer_id BIGINT NOT NULL,
    product_id BIGINT NOT NULL,
    category TEXT NOT NULL,
    region TEXT NOT NULL,
    day BIGINT NOT NULL,
    month BIGINT NOT NULL,
    units BIGINT NOT NULL,
    amount_cents BIGINT NOT NULL
);

CREATE TABLE analytics_events (
    id BIGINT NOT NULL PRIMARY KEY,
    customer_id BIGINT NOT NULL,
    stage BIGINT NOT NULL,
    stream TEXT NOT NULL,
    at_s BIGINT NOT NULL,
    latency_ms BIGINT NOT NULL
);

CREATE TABLE fraud_alerts (
    id BIGINT NOT NULL PRIMARY KEY,
    customer_id BIGINT NOT NULL,
    status TEXT NOT NULL,
    priority TEXT NOT NULL,
    alert_type TEXT NOT NULL,
    score BIGINT NOT NULL,
    amount_cents BIGINT NOT NULL,
    at_s BIGINT NOT NULL
);
