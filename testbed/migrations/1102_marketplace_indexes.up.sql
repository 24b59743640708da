-- Apart from the tables, so that the data are loaded before the indexes are built, and so that one
-- migration down gives the same service without its indexes.
CREATE INDEX idx_users_email ON users (email);
CREATE INDEX idx_users_username ON users (username);
CREATE INDEX idx_users_user_type ON users (user_type);
CREATE INDEX idx_users_created_at ON users (created_at);

CREATE INDEX idx_shops_owner_id ON shops (owner_id);
CREATE INDEX idx_shops_is_verified ON shops (is_verified);
CREATE INDEX idx_shops_is_active ON shops (is_active);
CREATE INDEX idx_shops_created_at ON shops (created_at);
CREATE INDEX idx_shops_location ON shops (latitude, longitude);

CREATE INDEX idx_products_shop_id ON products (shop_id);
CREATE INDEX idx_products_category_id ON products (category_id);
CREATE INDEX idx_products_is_available ON products (is_available);
CREATE INDEX idx_products_price ON products (price_cents);
CREATE INDEX idx_products_created_at ON products (created_at);
CREATE INDEX idx_products_shop_category ON products (shop_id, category_id);
-- The newest available products, over all categories and within one.
CREATE INDEX idx_products_available_created ON products (is_available, created_at, id);
CREATE INDEX idx_products_category_available ON products (category_id, is_available, created_at, id);

CREATE INDEX idx_orders_customer_id ON orders (customer_id);
CREATE INDEX idx_orders_shop_id ON orders (shop_id);
CREATE INDEX idx_orders_product_id ON orders (product_id);
CREATE INDEX idx_orders_status ON orders (status);
CREATE INDEX idx_orders_payment_status ON orders (payment_status);
CREATE INDEX idx_orders_created_at ON orders (created_at);
CREATE INDEX idx_orders_customer_status ON orders (customer_id, status);
