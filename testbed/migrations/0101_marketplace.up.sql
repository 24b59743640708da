-- The marketplace's tables. Types are those that SQLite and PostgreSQL share: truth values are
-- BIGINT 0 or 1, times are whole seconds since 1970, money is whole cents.
CREATE TABLE users (
    id BIGINT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    username TEXT NOT NULL,
    user_type TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE shops (
    id BIGINT NOT NULL PRIMARY KEY,
    owner_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    is_verified BIGINT NOT NULL,
    is_active BIGINT NOT NULL,
    latitude DOUBLE PRECISION NOT NULL,
    longitude DOUBLE PRECISION NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE categories (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
);

-- search_text is the name and the description in lower case, because LIKE heeds case on
-- PostgreSQL and does not on SQLite.
CREATE TABLE products (
    id BIGINT NOT NULL PRIMARY KEY,
    shop_id BIGINT NOT NULL,
    category_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    search_text TEXT NOT NULL,
    price_cents BIGINT NOT NULL,
    rating DOUBLE PRECISION NOT NULL,
    is_available BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE orders (
    id BIGINT NOT NULL PRIMARY KEY,
    customer_id BIGINT NOT NULL,
    shop_id BIGINT NOT NULL,
    product_id BIGINT NOT NULL,
    quantity BIGINT NOT NULL,
    total_cents BIGINT NOT NULL,
    status TEXT NOT NULL,
    payment_status TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
