-- The image of PostgreSQL runs this once, as its superuser, when the volume is empty.
\getenv password POSTGRES_PASSWORD
CREATE ROLE todo LOGIN PASSWORD :'password';
CREATE DATABASE todo OWNER todo ENCODING 'UTF8' TEMPLATE template0;
-- The image gave the superuser the same password. Without one, it can log in
-- only within its container.
ALTER ROLE postgres PASSWORD NULL;
