DROP TABLE orders;
DROP TABLE products;
DROP TABLE categories;
DROP TABLE shops;
DROP TABLE users;
