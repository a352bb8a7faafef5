/* SPDX-License-Identifier: MIT */
/*
 * The tables; see schema_tables.h, and schema.c for the reasons.
 *
 * Elements of collections are rows without a rowid of their own: the primary key (key_id, element)
 * is the table, so that a collection's rows lie side by side, and an element is one search away.
 * There is no foreign key: a collection that is deleted leaves its rows to be swept (rl_dead).
 *
 * The views are joins that SQLite flattens, so a condition on key goes by rl_key_name and then by
 * the primary key, and one on field and value by a user's index on rl_hash. idx of a list's item is
 * counted from the first position, which is one search, since positions are without gaps; a window
 * function would number all lists before one is picked.
 */
#include "store/schema_tables.h"

#include <stddef.h>

/* Now in Unix milliseconds, once per statement. (unixepoch('subsec') came with SQLite 3.42.) */
#define NOW_MS "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"

static const char version_1[] =
    "CREATE TABLE rl_meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE rl_key("
    "  id INTEGER PRIMARY KEY,"
    "  db INTEGER NOT NULL,"
    "  type INTEGER NOT NULL,"
    "  expires_at INTEGER," /* Unix milliseconds; NULL: never */
    "  key TEXT NOT NULL,"
    "  value TEXT);" /* a string's value; NULL for the other types */
    "CREATE UNIQUE INDEX rl_key_name ON rl_key(key, db);"
    "CREATE VIEW keys AS SELECT"
    "  db AS database,"
    "  key,"
    "  CASE type WHEN 1 THEN 'string' WHEN 2 THEN 'list' WHEN 3 THEN 'set' WHEN 4 THEN 'zset'"
    "    WHEN 5 THEN 'hash' WHEN 6 THEN 'stream' END AS type,"
    "  value,"
    "  expires_at,"
    "  strftime('%Y-%m-%d %H:%M:%f', expires_at / 1000.0, 'unixepoch') AS expires_time,"
    "  expires_at - " NOW_MS " AS ttl_ms"
    "  FROM rl_key WHERE expires_at IS NULL OR expires_at > " NOW_MS ";"
    "CREATE VIEW strings AS SELECT"
    "  db AS database,"
    "  key,"
    "  value,"
    "  expires_at,"
    "  strftime('%Y-%m-%d %H:%M:%f', expires_at / 1000.0, 'unixepoch') AS expires_time,"
    "  expires_at - " NOW_MS " AS ttl_ms"
    "  FROM rl_key WHERE type = 1 AND (expires_at IS NULL OR expires_at > " NOW_MS ");";

/* The columns about expiry, of a row of the table with this alias. */
#define EXPIRY(k, prefix)                                                                          \
    "  " k ".expires_at AS " prefix "expires_at,"                                                  \
    "  strftime('%Y-%m-%d %H:%M:%f', " k ".expires_at / 1000.0, 'unixepoch')"                      \
    " AS " prefix "expires_time,"                                                                  \
    "  " k ".expires_at - " NOW_MS " AS " prefix "ttl_ms"
#define LIVE(k) "(" k ".expires_at IS NULL OR " k ".expires_at > " NOW_MS ")"

static const char version_2[] =
    "CREATE TABLE rl_hash("
    "  key_id INTEGER NOT NULL,"
    "  field TEXT NOT NULL,"
    "  value TEXT NOT NULL,"
    "  expires_at INTEGER," /* Unix milliseconds; NULL: never */
    "  PRIMARY KEY (key_id, field)) WITHOUT ROWID;"
    "CREATE TABLE rl_set("
    "  key_id INTEGER NOT NULL,"
    "  member TEXT NOT NULL,"
    "  PRIMARY KEY (key_id, member)) WITHOUT ROWID;"
    "CREATE TABLE rl_zset("
    "  key_id INTEGER NOT NULL,"
    "  member TEXT NOT NULL,"
    "  score REAL NOT NULL,"
    "  PRIMARY KEY (key_id, member)) WITHOUT ROWID;"
    "CREATE TABLE rl_list("
    "  key_id INTEGER NOT NULL,"
    "  pos INTEGER NOT NULL,"
    "  value TEXT NOT NULL,"
    "  PRIMARY KEY (key_id, pos)) WITHOUT ROWID;"
    "CREATE TABLE rl_dead(key_id INTEGER PRIMARY KEY, type INTEGER NOT NULL);"
    "CREATE VIEW hashes AS SELECT"
    "  k.db AS database, k.key, h.field, h.value," EXPIRY("k", "") "," EXPIRY(
        "h",
        "field_") "  FROM rl_key AS k JOIN rl_hash AS h ON h.key_id = k.id"
                  "  WHERE k.type = 5 AND " LIVE("k") " AND " LIVE(
                      "h") ";"
                           "CREATE VIEW sets AS SELECT"
                           "  k.db AS database, k.key, s.member," EXPIRY(
                               "k",
                               "") "  FROM rl_key AS k JOIN rl_set AS s ON s.key_id = k.id"
                                   "  WHERE k.type = 3 AND " LIVE(
                                       "k") ";"
                                            "CREATE VIEW zsets AS SELECT"
                                            "  k.db AS database, k.key, z.member, z.score," EXPIRY(
                                                "k",
                                                "") "  FROM rl_key AS k JOIN rl_zset AS z ON "
                                                    "z.key_id = k.id"
                                                    "  WHERE k.type = 4 AND " LIVE(
                                                        "k") ";"
                                                             "CREATE VIEW lists AS SELECT"
                                                             "  k.db AS database, k.key,"
                                                             "  l.pos - (SELECT f.pos FROM rl_list "
                                                             "AS f WHERE f.key_id = l.key_id ORDER "
                                                             "BY f.pos LIMIT 1)"
                                                             " AS idx,"
                                                             "  l.value," EXPIRY(
                                                                 "k",
                                                                 "") "  FROM rl_key AS k JOIN "
                                                                     "rl_list AS l ON l.key_id = "
                                                                     "k.id"
                                                                     "  WHERE k.type = 2 AND " LIVE(
                                                                         "k") ";";

const char *const store_schema_steps[] = {"", version_1, version_2};
