/* SPDX-License-Identifier: MIT */
/* The arguments of the commands, for COMMAND DOCS. Made by generate.py; do not edit. */
/* clang-format off */

#include "commands/table.h"

static const rl_argument args_append[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "value", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_auth[] = {
    {.name = "username", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .since = "6.0.0"},
    {.name = "password", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_bgsave[] = {
    {.name = "schedule", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "SCHEDULE", .since = "3.2.2"},
};
static const rl_argument args_blmove_wherefrom[] = {
    {.name = "left", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "LEFT"},
    {.name = "right", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "RIGHT"},
};
static const rl_argument args_blmove[] = {
    {.name = "source", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "destination", .type = RL_ARGUMENT_KEY, .key_spec = 1},
    {.name = "wherefrom", .type = RL_ARGUMENT_ONEOF, .key_spec = -1, .inner = args_blmove_wherefrom, .inner_count = 2},
    {.name = "whereto", .type = RL_ARGUMENT_ONEOF, .key_spec = -1, .inner = args_blmove_wherefrom, .inner_count = 2},
    {.name = "timeout", .type = RL_ARGUMENT_DOUBLE, .key_spec = -1},
};
static const rl_argument args_blmpop[] = {
    {.name = "timeout", .type = RL_ARGUMENT_DOUBLE, .key_spec = -1},
    {.name = "numkeys", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "key", .type = RL_ARGUMENT_KEY, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = 0},
    {.name = "where", .type = RL_ARGUMENT_ONEOF, .key_spec = -1, .inner = args_blmove_wherefrom, .inner_count = 2},
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "COUNT"},
};
static const rl_argument args_blpop[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = 0},
    {.name = "timeout", .type = RL_ARGUMENT_DOUBLE, .key_spec = -1},
};
static const rl_argument args_brpoplpush[] = {
    {.name = "source", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "destination", .type = RL_ARGUMENT_KEY, .key_spec = 1},
    {.name = "timeout", .type = RL_ARGUMENT_DOUBLE, .key_spec = -1},
};
static const rl_argument args_bzmpop_where[] = {
    {.name = "min", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "MIN"},
    {.name = "max", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "MAX"},
};
static const rl_argument args_bzmpop[] = {
    {.name = "timeout", .type = RL_ARGUMENT_DOUBLE, .key_spec = -1},
    {.name = "numkeys", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "key", .type = RL_ARGUMENT_KEY, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = 0},
    {.name = "where", .type = RL_ARGUMENT_ONEOF, .key_spec = -1, .inner = args_bzmpop_where, .inner_count = 2},
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "COUNT"},
};
static const rl_argument args_client_caching_mode[] = {
    {.name = "yes", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "YES"},
    {.name = "no", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "NO"},
};
static const rl_argument args_client_caching[] = {
    {.name = "mode", .type = RL_ARGUMENT_ONEOF, .key_spec = -1, .inner = args_client_caching_mode, .inner_count = 2},
};
static const rl_argument args_client_kill_filter_new_format_normal_master_slave_pubsub[] = {
    {.name = "normal", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "NORMAL"},
    {.name = "master", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "MASTER", .since = "3.2.0"},
    {.name = "slave", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "SLAVE"},
    {.name = "replica", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "REPLICA", .since = "5.0.0"},
    {.name = "pubsub", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "PUBSUB"},
};
static const rl_argument args_client_kill_filter_new_format[] = {
    {.name = "client-id", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "ID", .since = "2.8.12"},
    {.name = "normal_master_slave_pubsub", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "TYPE", .since = "2.8.12", .inner = args_client_kill_filter_new_format_normal_master_slave_pubsub, .inner_count = 5},
    {.name = "username", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "USER"},
    {.name = "ip:port", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "ADDR"},
    {.name = "ip:port", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "LADDR", .since = "6.2.0"},
    {.name = "yes/no", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "SKIPME"},
};
static const rl_argument args_client_kill_filter[] = {
    {.name = "ip:port", .type = RL_ARGUMENT_STRING, .key_spec = -1, .deprecated_since = "2.8.12"},
    {.name = "new-format", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = -1, .inner = args_client_kill_filter_new_format, .inner_count = 6},
};
static const rl_argument args_client_kill[] = {
    {.name = "filter", .type = RL_ARGUMENT_ONEOF, .key_spec = -1, .inner = args_client_kill_filter, .inner_count = 2},
};
static const rl_argument args_client_list_normal_master_replica_pubsub[] = {
    {.name = "normal", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "NORMAL"},
    {.name = "master", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "MASTER"},
    {.name = "replica", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "REPLICA"},
    {.name = "pubsub", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "PUBSUB"},
};
static const rl_argument args_client_list_id[] = {
    {.name = "client-id", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = -1},
};
static const rl_argument args_client_list[] = {
    {.name = "normal_master_replica_pubsub", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "TYPE", .since = "5.0.0", .inner = args_client_list_normal_master_replica_pubsub, .inner_count = 4},
    {.name = "id", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "ID", .since = "6.2.0", .inner = args_client_list_id, .inner_count = 1},
};
static const rl_argument args_client_no_evict_enabled[] = {
    {.name = "on", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "ON"},
    {.name = "off", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "OFF"},
};
static const rl_argument args_client_no_evict[] = {
    {.name = "enabled", .type = RL_ARGUMENT_ONEOF, .key_spec = -1, .inner = args_client_no_evict_enabled, .inner_count = 2},
};
static const rl_argument args_client_pause_mode[] = {
    {.name = "write", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "WRITE"},
    {.name = "all", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "ALL"},
};
static const rl_argument args_client_pause[] = {
    {.name = "timeout", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "mode", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .since = "6.2.0", .inner = args_client_pause_mode, .inner_count = 2},
};
static const rl_argument args_client_reply_on_off_skip[] = {
    {.name = "on", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "ON"},
    {.name = "off", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "OFF"},
    {.name = "skip", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "SKIP"},
};
static const rl_argument args_client_reply[] = {
    {.name = "on_off_skip", .type = RL_ARGUMENT_ONEOF, .key_spec = -1, .inner = args_client_reply_on_off_skip, .inner_count = 3},
};
static const rl_argument args_client_setinfo_attr[] = {
    {.name = "libname", .type = RL_ARGUMENT_STRING, .key_spec = -1, .token = "LIB-NAME"},
    {.name = "libver", .type = RL_ARGUMENT_STRING, .key_spec = -1, .token = "LIB-VER"},
};
static const rl_argument args_client_setinfo[] = {
    {.name = "attr", .type = RL_ARGUMENT_ONEOF, .key_spec = -1, .inner = args_client_setinfo_attr, .inner_count = 2},
};
static const rl_argument args_client_setname[] = {
    {.name = "connection-name", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_client_tracking[] = {
    {.name = "status", .type = RL_ARGUMENT_ONEOF, .key_spec = -1, .inner = args_client_no_evict_enabled, .inner_count = 2},
    {.name = "client-id", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "REDIRECT"},
    {.name = "prefix", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL | RL_ARGUMENT_MULTIPLE | RL_ARGUMENT_MULTIPLE_TOKEN, .key_spec = -1, .token = "PREFIX"},
    {.name = "bcast", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "BCAST"},
    {.name = "optin", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "OPTIN"},
    {.name = "optout", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "OPTOUT"},
    {.name = "noloop", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "NOLOOP"},
};
static const rl_argument args_client_unblock_timeout_error[] = {
    {.name = "timeout", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "TIMEOUT"},
    {.name = "error", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "ERROR"},
};
static const rl_argument args_client_unblock[] = {
    {.name = "client-id", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "timeout_error", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_client_unblock_timeout_error, .inner_count = 2},
};
static const rl_argument args_command_docs[] = {
    {.name = "command-name", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL | RL_ARGUMENT_MULTIPLE, .key_spec = -1},
};
static const rl_argument args_command_list_filterby[] = {
    {.name = "module-name", .type = RL_ARGUMENT_STRING, .key_spec = -1, .token = "MODULE"},
    {.name = "category", .type = RL_ARGUMENT_STRING, .key_spec = -1, .token = "ACLCAT"},
    {.name = "pattern", .type = RL_ARGUMENT_PATTERN, .key_spec = -1, .token = "PATTERN"},
};
static const rl_argument args_command_list[] = {
    {.name = "filterby", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "FILTERBY", .inner = args_command_list_filterby, .inner_count = 3},
};
static const rl_argument args_config_get_parameter[] = {
    {.name = "parameter", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_config_get[] = {
    {.name = "parameter", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = -1, .inner = args_config_get_parameter, .inner_count = 1},
};
static const rl_argument args_config_set_parameter_value[] = {
    {.name = "parameter", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "value", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_config_set[] = {
    {.name = "parameter_value", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = -1, .inner = args_config_set_parameter_value, .inner_count = 2},
};
static const rl_argument args_copy[] = {
    {.name = "source", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "destination", .type = RL_ARGUMENT_KEY, .key_spec = 1},
    {.name = "destination-db", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "DB"},
    {.name = "replace", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "REPLACE"},
};
static const rl_argument args_decr[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
};
static const rl_argument args_decrby[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "decrement", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
};
static const rl_argument args_del[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = 0},
};
static const rl_argument args_echo[] = {
    {.name = "message", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_expire_condition[] = {
    {.name = "nx", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "NX"},
    {.name = "xx", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "XX"},
    {.name = "gt", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "GT"},
    {.name = "lt", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "LT"},
};
static const rl_argument args_expire[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "seconds", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "condition", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .since = "7.0.0", .inner = args_expire_condition, .inner_count = 4},
};
static const rl_argument args_expireat[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "unix-time-seconds", .type = RL_ARGUMENT_UNIX_TIME, .key_spec = -1},
    {.name = "condition", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .since = "7.0.0", .inner = args_expire_condition, .inner_count = 4},
};
static const rl_argument args_flushall_async[] = {
    {.name = "async", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "ASYNC", .since = "4.0.0"},
    {.name = "sync", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "SYNC", .since = "6.2.0"},
};
static const rl_argument args_flushall[] = {
    {.name = "async", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_flushall_async, .inner_count = 2},
};
static const rl_argument args_getex_expiration[] = {
    {.name = "seconds", .type = RL_ARGUMENT_INTEGER, .key_spec = -1, .token = "EX"},
    {.name = "milliseconds", .type = RL_ARGUMENT_INTEGER, .key_spec = -1, .token = "PX"},
    {.name = "unix-time-seconds", .type = RL_ARGUMENT_UNIX_TIME, .key_spec = -1, .token = "EXAT"},
    {.name = "unix-time-milliseconds", .type = RL_ARGUMENT_UNIX_TIME, .key_spec = -1, .token = "PXAT"},
    {.name = "persist", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "PERSIST"},
};
static const rl_argument args_getex[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "expiration", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_getex_expiration, .inner_count = 5},
};
static const rl_argument args_getrange[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "start", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "end", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
};
static const rl_argument args_hdel[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "field", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = -1},
};
static const rl_argument args_hello_arguments_username_password[] = {
    {.name = "username", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "password", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_hello_arguments[] = {
    {.name = "protover", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "username_password", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "AUTH", .inner = args_hello_arguments_username_password, .inner_count = 2},
    {.name = "clientname", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "SETNAME"},
};
static const rl_argument args_hello[] = {
    {.name = "arguments", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_hello_arguments, .inner_count = 3},
};
static const rl_argument args_hexists[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "field", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_hexpire_fields[] = {
    {.name = "numfields", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "field", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = -1},
};
static const rl_argument args_hexpire[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "seconds", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "condition", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_expire_condition, .inner_count = 4},
    {.name = "fields", .type = RL_ARGUMENT_BLOCK, .key_spec = -1, .token = "FIELDS", .inner = args_hexpire_fields, .inner_count = 2},
};
static const rl_argument args_hexpireat[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "unix-time-seconds", .type = RL_ARGUMENT_UNIX_TIME, .key_spec = -1},
    {.name = "condition", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_expire_condition, .inner_count = 4},
    {.name = "fields", .type = RL_ARGUMENT_BLOCK, .key_spec = -1, .token = "FIELDS", .inner = args_hexpire_fields, .inner_count = 2},
};
static const rl_argument args_hexpiretime[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "fields", .type = RL_ARGUMENT_BLOCK, .key_spec = -1, .token = "FIELDS", .inner = args_hexpire_fields, .inner_count = 2},
};
static const rl_argument args_hgetex[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "expiration", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_getex_expiration, .inner_count = 5},
    {.name = "fields", .type = RL_ARGUMENT_BLOCK, .key_spec = -1, .token = "FIELDS", .inner = args_hexpire_fields, .inner_count = 2},
};
static const rl_argument args_hincrby[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "field", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "increment", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
};
static const rl_argument args_hincrbyfloat[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "field", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "increment", .type = RL_ARGUMENT_DOUBLE, .key_spec = -1},
};
static const rl_argument args_hmset_field_value[] = {
    {.name = "field", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "value", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_hmset[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "field_value", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = -1, .inner = args_hmset_field_value, .inner_count = 2},
};
static const rl_argument args_hpexpire[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "milliseconds", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "condition", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_expire_condition, .inner_count = 4},
    {.name = "fields", .type = RL_ARGUMENT_BLOCK, .key_spec = -1, .token = "FIELDS", .inner = args_hexpire_fields, .inner_count = 2},
};
static const rl_argument args_hpexpireat[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "unix-time-milliseconds", .type = RL_ARGUMENT_UNIX_TIME, .key_spec = -1},
    {.name = "condition", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_expire_condition, .inner_count = 4},
    {.name = "fields", .type = RL_ARGUMENT_BLOCK, .key_spec = -1, .token = "FIELDS", .inner = args_hexpire_fields, .inner_count = 2},
};
static const rl_argument args_hrandfield_options[] = {
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "withvalues", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "WITHVALUES"},
};
static const rl_argument args_hrandfield[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "options", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_hrandfield_options, .inner_count = 2},
};
static const rl_argument args_hscan[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "cursor", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "pattern", .type = RL_ARGUMENT_PATTERN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "MATCH"},
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "COUNT"},
    {.name = "novalues", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "NOVALUES", .since = "7.4.0"},
};
static const rl_argument args_hsetex_condition[] = {
    {.name = "fnx", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "FNX"},
    {.name = "fxx", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "FXX"},
};
static const rl_argument args_hsetex_expiration[] = {
    {.name = "seconds", .type = RL_ARGUMENT_INTEGER, .key_spec = -1, .token = "EX"},
    {.name = "milliseconds", .type = RL_ARGUMENT_INTEGER, .key_spec = -1, .token = "PX"},
    {.name = "unix-time-seconds", .type = RL_ARGUMENT_UNIX_TIME, .key_spec = -1, .token = "EXAT"},
    {.name = "unix-time-milliseconds", .type = RL_ARGUMENT_UNIX_TIME, .key_spec = -1, .token = "PXAT"},
    {.name = "keepttl", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "KEEPTTL"},
};
static const rl_argument args_hsetex_fields[] = {
    {.name = "numfields", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "data", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = -1, .inner = args_hmset_field_value, .inner_count = 2},
};
static const rl_argument args_hsetex[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "condition", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_hsetex_condition, .inner_count = 2},
    {.name = "expiration", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_hsetex_expiration, .inner_count = 5},
    {.name = "fields", .type = RL_ARGUMENT_BLOCK, .key_spec = -1, .token = "FIELDS", .inner = args_hsetex_fields, .inner_count = 2},
};
static const rl_argument args_hsetnx[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "field", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "value", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_incrby[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "increment", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
};
static const rl_argument args_incrbyfloat[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "increment", .type = RL_ARGUMENT_DOUBLE, .key_spec = -1},
};
static const rl_argument args_info[] = {
    {.name = "section", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL | RL_ARGUMENT_MULTIPLE, .key_spec = -1},
};
static const rl_argument args_keys[] = {
    {.name = "pattern", .type = RL_ARGUMENT_PATTERN, .key_spec = -1},
};
static const rl_argument args_latency_graph[] = {
    {.name = "event", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_latency_histogram[] = {
    {.name = "command", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL | RL_ARGUMENT_MULTIPLE, .key_spec = -1},
};
static const rl_argument args_latency_reset[] = {
    {.name = "event", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL | RL_ARGUMENT_MULTIPLE, .key_spec = -1},
};
static const rl_argument args_lcs[] = {
    {.name = "key1", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "key2", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "len", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "LEN"},
    {.name = "idx", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "IDX"},
    {.name = "len", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "MINMATCHLEN"},
    {.name = "withmatchlen", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "WITHMATCHLEN"},
};
static const rl_argument args_lindex[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "index", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
};
static const rl_argument args_linsert_where[] = {
    {.name = "before", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "BEFORE"},
    {.name = "after", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "AFTER"},
};
static const rl_argument args_linsert[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "where", .type = RL_ARGUMENT_ONEOF, .key_spec = -1, .inner = args_linsert_where, .inner_count = 2},
    {.name = "pivot", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "element", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_lmove[] = {
    {.name = "source", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "destination", .type = RL_ARGUMENT_KEY, .key_spec = 1},
    {.name = "wherefrom", .type = RL_ARGUMENT_ONEOF, .key_spec = -1, .inner = args_blmove_wherefrom, .inner_count = 2},
    {.name = "whereto", .type = RL_ARGUMENT_ONEOF, .key_spec = -1, .inner = args_blmove_wherefrom, .inner_count = 2},
};
static const rl_argument args_lmpop[] = {
    {.name = "numkeys", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "key", .type = RL_ARGUMENT_KEY, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = 0},
    {.name = "where", .type = RL_ARGUMENT_ONEOF, .key_spec = -1, .inner = args_blmove_wherefrom, .inner_count = 2},
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "COUNT"},
};
static const rl_argument args_lolwut[] = {
    {.name = "version", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "VERSION"},
};
static const rl_argument args_lpop[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .since = "6.2.0"},
};
static const rl_argument args_lpos[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "element", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "rank", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "RANK"},
    {.name = "num-matches", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "COUNT"},
    {.name = "len", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "MAXLEN"},
};
static const rl_argument args_lpush[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "element", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = -1},
};
static const rl_argument args_lrange[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "start", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "stop", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
};
static const rl_argument args_lrem[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "element", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_lset[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "index", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "element", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_memory_usage[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "SAMPLES"},
};
static const rl_argument args_move[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "db", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
};
static const rl_argument args_mset[] = {
    {.name = "key_value", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = -1, .inner = args_append, .inner_count = 2},
};
static const rl_argument args_pexpire[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "milliseconds", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "condition", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .since = "7.0.0", .inner = args_expire_condition, .inner_count = 4},
};
static const rl_argument args_pexpireat[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "unix-time-milliseconds", .type = RL_ARGUMENT_UNIX_TIME, .key_spec = -1},
    {.name = "condition", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .since = "7.0.0", .inner = args_expire_condition, .inner_count = 4},
};
static const rl_argument args_ping[] = {
    {.name = "message", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1},
};
static const rl_argument args_psetex[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "milliseconds", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "value", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_psubscribe[] = {
    {.name = "pattern", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = -1, .inner = args_keys, .inner_count = 1},
};
static const rl_argument args_publish[] = {
    {.name = "channel", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "message", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_pubsub_channels[] = {
    {.name = "pattern", .type = RL_ARGUMENT_PATTERN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1},
};
static const rl_argument args_pubsub_numsub[] = {
    {.name = "channel", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL | RL_ARGUMENT_MULTIPLE, .key_spec = -1},
};
static const rl_argument args_pubsub_shardnumsub[] = {
    {.name = "shardchannel", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL | RL_ARGUMENT_MULTIPLE, .key_spec = -1},
};
static const rl_argument args_punsubscribe[] = {
    {.name = "pattern", .type = RL_ARGUMENT_PATTERN, .flags = RL_ARGUMENT_OPTIONAL | RL_ARGUMENT_MULTIPLE, .key_spec = -1},
};
static const rl_argument args_rename[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "newkey", .type = RL_ARGUMENT_KEY, .key_spec = 1},
};
static const rl_argument args_rpoplpush[] = {
    {.name = "source", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "destination", .type = RL_ARGUMENT_KEY, .key_spec = 1},
};
static const rl_argument args_sadd[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "member", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = -1},
};
static const rl_argument args_scan[] = {
    {.name = "cursor", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "pattern", .type = RL_ARGUMENT_PATTERN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "MATCH"},
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "COUNT"},
    {.name = "type", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "TYPE", .since = "6.0.0"},
};
static const rl_argument args_sdiffstore[] = {
    {.name = "destination", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "key", .type = RL_ARGUMENT_KEY, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = 1},
};
static const rl_argument args_select[] = {
    {.name = "index", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
};
static const rl_argument args_set_condition[] = {
    {.name = "nx", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "NX"},
    {.name = "xx", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "XX"},
};
static const rl_argument args_set_expiration[] = {
    {.name = "seconds", .type = RL_ARGUMENT_INTEGER, .key_spec = -1, .token = "EX", .since = "2.6.12"},
    {.name = "milliseconds", .type = RL_ARGUMENT_INTEGER, .key_spec = -1, .token = "PX", .since = "2.6.12"},
    {.name = "unix-time-seconds", .type = RL_ARGUMENT_UNIX_TIME, .key_spec = -1, .token = "EXAT", .since = "6.2.0"},
    {.name = "unix-time-milliseconds", .type = RL_ARGUMENT_UNIX_TIME, .key_spec = -1, .token = "PXAT", .since = "6.2.0"},
    {.name = "keepttl", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "KEEPTTL", .since = "6.0.0"},
};
static const rl_argument args_set[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "value", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "condition", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .since = "2.6.12", .inner = args_set_condition, .inner_count = 2},
    {.name = "get", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "GET", .since = "6.2.0"},
    {.name = "expiration", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_set_expiration, .inner_count = 5},
};
static const rl_argument args_setex[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "seconds", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "value", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_setrange[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "offset", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "value", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_shutdown_nosave_save[] = {
    {.name = "nosave", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "NOSAVE"},
    {.name = "save", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "SAVE"},
};
static const rl_argument args_shutdown[] = {
    {.name = "nosave_save", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_shutdown_nosave_save, .inner_count = 2},
    {.name = "now", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "NOW", .since = "7.0.0"},
    {.name = "force", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "FORCE", .since = "7.0.0"},
    {.name = "abort", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "ABORT", .since = "7.0.0"},
};
static const rl_argument args_sintercard[] = {
    {.name = "numkeys", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "key", .type = RL_ARGUMENT_KEY, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = 0},
    {.name = "limit", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "LIMIT"},
};
static const rl_argument args_sismember[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "member", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_slowlog_get[] = {
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1},
};
static const rl_argument args_smove[] = {
    {.name = "source", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "destination", .type = RL_ARGUMENT_KEY, .key_spec = 1},
    {.name = "member", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_sort_offset_count[] = {
    {.name = "offset", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
};
static const rl_argument args_sort_order[] = {
    {.name = "asc", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "ASC"},
    {.name = "desc", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "DESC"},
};
static const rl_argument args_sort[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "pattern", .type = RL_ARGUMENT_PATTERN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = 1, .token = "BY"},
    {.name = "offset_count", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "LIMIT", .inner = args_sort_offset_count, .inner_count = 2},
    {.name = "pattern", .type = RL_ARGUMENT_PATTERN, .flags = RL_ARGUMENT_OPTIONAL | RL_ARGUMENT_MULTIPLE | RL_ARGUMENT_MULTIPLE_TOKEN, .key_spec = 1, .token = "GET"},
    {.name = "order", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_sort_order, .inner_count = 2},
    {.name = "sorting", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "ALPHA"},
    {.name = "destination", .type = RL_ARGUMENT_KEY, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = 2, .token = "STORE"},
};
static const rl_argument args_sort_ro[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "pattern", .type = RL_ARGUMENT_PATTERN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = 1, .token = "BY"},
    {.name = "offset_count", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "LIMIT", .inner = args_sort_offset_count, .inner_count = 2},
    {.name = "pattern", .type = RL_ARGUMENT_PATTERN, .flags = RL_ARGUMENT_OPTIONAL | RL_ARGUMENT_MULTIPLE | RL_ARGUMENT_MULTIPLE_TOKEN, .key_spec = 1, .token = "GET"},
    {.name = "order", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_sort_order, .inner_count = 2},
    {.name = "sorting", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "ALPHA"},
};
static const rl_argument args_spop[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .since = "3.2.0"},
};
static const rl_argument args_spublish[] = {
    {.name = "shardchannel", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "message", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_sql[] = {
    {.name = "letters", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "TYPES"},
    {.name = "milliseconds", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "TIMEOUT"},
    {.name = "statement", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "parameter", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_OPTIONAL | RL_ARGUMENT_MULTIPLE, .key_spec = -1},
};
static const rl_argument args_srandmember[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .since = "2.6.0"},
};
static const rl_argument args_sscan[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "cursor", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "pattern", .type = RL_ARGUMENT_PATTERN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "MATCH"},
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "COUNT"},
};
static const rl_argument args_ssubscribe[] = {
    {.name = "shardchannel", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = -1},
};
static const rl_argument args_subscribe[] = {
    {.name = "channel", .type = RL_ARGUMENT_STRING, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = -1},
};
static const rl_argument args_swapdb[] = {
    {.name = "index1", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "index2", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
};
static const rl_argument args_wait[] = {
    {.name = "numreplicas", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "timeout", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
};
static const rl_argument args_waitaof[] = {
    {.name = "numlocal", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "numreplicas", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "timeout", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
};
static const rl_argument args_zadd_comparison[] = {
    {.name = "gt", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "GT"},
    {.name = "lt", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "LT"},
};
static const rl_argument args_zadd_score_member[] = {
    {.name = "score", .type = RL_ARGUMENT_DOUBLE, .key_spec = -1},
    {.name = "member", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_zadd[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "condition", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .since = "3.0.2", .inner = args_set_condition, .inner_count = 2},
    {.name = "comparison", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .since = "6.2.0", .inner = args_zadd_comparison, .inner_count = 2},
    {.name = "change", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "CH", .since = "3.0.2"},
    {.name = "increment", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "INCR", .since = "3.0.2"},
    {.name = "score_member", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = -1, .inner = args_zadd_score_member, .inner_count = 2},
};
static const rl_argument args_zcount[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "min", .type = RL_ARGUMENT_DOUBLE, .key_spec = -1},
    {.name = "max", .type = RL_ARGUMENT_DOUBLE, .key_spec = -1},
};
static const rl_argument args_zdiff[] = {
    {.name = "numkeys", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "key", .type = RL_ARGUMENT_KEY, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = 0},
    {.name = "withscores", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "WITHSCORES"},
};
static const rl_argument args_zdiffstore[] = {
    {.name = "destination", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "numkeys", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "key", .type = RL_ARGUMENT_KEY, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = 1},
};
static const rl_argument args_zincrby[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "increment", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "member", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_zinter_aggregate[] = {
    {.name = "sum", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "SUM"},
    {.name = "min", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "MIN"},
    {.name = "max", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "MAX"},
};
static const rl_argument args_zinter[] = {
    {.name = "numkeys", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "key", .type = RL_ARGUMENT_KEY, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = 0},
    {.name = "weight", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL | RL_ARGUMENT_MULTIPLE, .key_spec = -1, .token = "WEIGHTS"},
    {.name = "aggregate", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "AGGREGATE", .inner = args_zinter_aggregate, .inner_count = 3},
    {.name = "withscores", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "WITHSCORES"},
};
static const rl_argument args_zinterstore[] = {
    {.name = "destination", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "numkeys", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "key", .type = RL_ARGUMENT_KEY, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = 1},
    {.name = "weight", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL | RL_ARGUMENT_MULTIPLE, .key_spec = -1, .token = "WEIGHTS"},
    {.name = "aggregate", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "AGGREGATE", .inner = args_zinter_aggregate, .inner_count = 3},
};
static const rl_argument args_zlexcount[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "min", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "max", .type = RL_ARGUMENT_STRING, .key_spec = -1},
};
static const rl_argument args_zmpop[] = {
    {.name = "numkeys", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "key", .type = RL_ARGUMENT_KEY, .flags = RL_ARGUMENT_MULTIPLE, .key_spec = 0},
    {.name = "where", .type = RL_ARGUMENT_ONEOF, .key_spec = -1, .inner = args_bzmpop_where, .inner_count = 2},
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "COUNT"},
};
static const rl_argument args_zpopmax[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1},
};
static const rl_argument args_zrandmember_options[] = {
    {.name = "count", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "withscores", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "WITHSCORES"},
};
static const rl_argument args_zrandmember[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "options", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_zrandmember_options, .inner_count = 2},
};
static const rl_argument args_zrange_sortby[] = {
    {.name = "byscore", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "BYSCORE"},
    {.name = "bylex", .type = RL_ARGUMENT_PURE_TOKEN, .key_spec = -1, .token = "BYLEX"},
};
static const rl_argument args_zrange[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "start", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "stop", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "sortby", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .since = "6.2.0", .inner = args_zrange_sortby, .inner_count = 2},
    {.name = "rev", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "REV", .since = "6.2.0"},
    {.name = "offset_count", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "LIMIT", .since = "6.2.0", .inner = args_sort_offset_count, .inner_count = 2},
    {.name = "withscores", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "WITHSCORES"},
};
static const rl_argument args_zrangebylex[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "min", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "max", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "offset_count", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "LIMIT", .inner = args_sort_offset_count, .inner_count = 2},
};
static const rl_argument args_zrangebyscore[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "min", .type = RL_ARGUMENT_DOUBLE, .key_spec = -1},
    {.name = "max", .type = RL_ARGUMENT_DOUBLE, .key_spec = -1},
    {.name = "withscores", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "WITHSCORES", .since = "2.0.0"},
    {.name = "offset_count", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "LIMIT", .inner = args_sort_offset_count, .inner_count = 2},
};
static const rl_argument args_zrangestore[] = {
    {.name = "dst", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "src", .type = RL_ARGUMENT_KEY, .key_spec = 1},
    {.name = "min", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "max", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "sortby", .type = RL_ARGUMENT_ONEOF, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .inner = args_zrange_sortby, .inner_count = 2},
    {.name = "rev", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "REV"},
    {.name = "offset_count", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "LIMIT", .inner = args_sort_offset_count, .inner_count = 2},
};
static const rl_argument args_zrank[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "member", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "withscore", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "WITHSCORE", .since = "7.2.0"},
};
static const rl_argument args_zrevrange[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "start", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "stop", .type = RL_ARGUMENT_INTEGER, .key_spec = -1},
    {.name = "withscores", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "WITHSCORES"},
};
static const rl_argument args_zrevrangebylex[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "max", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "min", .type = RL_ARGUMENT_STRING, .key_spec = -1},
    {.name = "offset_count", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "LIMIT", .inner = args_sort_offset_count, .inner_count = 2},
};
static const rl_argument args_zrevrangebyscore[] = {
    {.name = "key", .type = RL_ARGUMENT_KEY, .key_spec = 0},
    {.name = "max", .type = RL_ARGUMENT_DOUBLE, .key_spec = -1},
    {.name = "min", .type = RL_ARGUMENT_DOUBLE, .key_spec = -1},
    {.name = "withscores", .type = RL_ARGUMENT_PURE_TOKEN, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "WITHSCORES"},
    {.name = "offset_count", .type = RL_ARGUMENT_BLOCK, .flags = RL_ARGUMENT_OPTIONAL, .key_spec = -1, .token = "LIMIT", .inner = args_sort_offset_count, .inner_count = 2},
};

const rl_command_doc rl_command_docs[] = {
    [0] = {.arguments = args_append, .argument_count = 2}, /* append */
    [1] = {.arguments = args_auth, .argument_count = 2}, /* auth */
    [3] = {.arguments = args_bgsave, .argument_count = 1}, /* bgsave */
    [4] = {.arguments = args_blmove, .argument_count = 5}, /* blmove */
    [5] = {.arguments = args_blmpop, .argument_count = 5}, /* blmpop */
    [6] = {.arguments = args_blpop, .argument_count = 2}, /* blpop */
    [7] = {.arguments = args_blpop, .argument_count = 2}, /* brpop */
    [8] = {.arguments = args_brpoplpush, .argument_count = 3, .deprecated_since = "6.2.0", .replaced_by = "`BLMOVE` with the `RIGHT` and `LEFT` arguments"}, /* brpoplpush */
    [9] = {.arguments = args_bzmpop, .argument_count = 5}, /* bzmpop */
    [10] = {.arguments = args_blpop, .argument_count = 2}, /* bzpopmax */
    [11] = {.arguments = args_blpop, .argument_count = 2}, /* bzpopmin */
    [13] = {.arguments = args_client_caching, .argument_count = 1}, /* client|caching */
    [19] = {.arguments = args_client_kill, .argument_count = 1}, /* client|kill */
    [20] = {.arguments = args_client_list, .argument_count = 2}, /* client|list */
    [21] = {.arguments = args_client_no_evict, .argument_count = 1}, /* client|no-evict */
    [22] = {.arguments = args_client_no_evict, .argument_count = 1}, /* client|no-touch */
    [23] = {.arguments = args_client_pause, .argument_count = 2}, /* client|pause */
    [24] = {.arguments = args_client_reply, .argument_count = 1}, /* client|reply */
    [25] = {.arguments = args_client_setinfo, .argument_count = 1}, /* client|setinfo */
    [26] = {.arguments = args_client_setname, .argument_count = 1}, /* client|setname */
    [27] = {.arguments = args_client_tracking, .argument_count = 7}, /* client|tracking */
    [29] = {.arguments = args_client_unblock, .argument_count = 2}, /* client|unblock */
    [33] = {.arguments = args_command_docs, .argument_count = 1}, /* command|docs */
    [37] = {.arguments = args_command_docs, .argument_count = 1}, /* command|info */
    [38] = {.arguments = args_command_list, .argument_count = 1}, /* command|list */
    [40] = {.arguments = args_config_get, .argument_count = 1}, /* config|get */
    [44] = {.arguments = args_config_set, .argument_count = 1}, /* config|set */
    [45] = {.arguments = args_copy, .argument_count = 4}, /* copy */
    [47] = {.system = true}, /* debug */
    [48] = {.arguments = args_decr, .argument_count = 1}, /* decr */
    [49] = {.arguments = args_decrby, .argument_count = 2}, /* decrby */
    [50] = {.arguments = args_del, .argument_count = 1}, /* del */
    [52] = {.arguments = args_echo, .argument_count = 1}, /* echo */
    [54] = {.arguments = args_del, .argument_count = 1}, /* exists */
    [55] = {.arguments = args_expire, .argument_count = 3}, /* expire */
    [56] = {.arguments = args_expireat, .argument_count = 3}, /* expireat */
    [57] = {.arguments = args_decr, .argument_count = 1}, /* expiretime */
    [58] = {.arguments = args_flushall, .argument_count = 1}, /* flushall */
    [59] = {.arguments = args_flushall, .argument_count = 1}, /* flushdb */
    [60] = {.arguments = args_decr, .argument_count = 1}, /* get */
    [61] = {.arguments = args_decr, .argument_count = 1}, /* getdel */
    [62] = {.arguments = args_getex, .argument_count = 2}, /* getex */
    [63] = {.arguments = args_getrange, .argument_count = 3}, /* getrange */
    [64] = {.arguments = args_append, .argument_count = 2, .deprecated_since = "6.2.0", .replaced_by = "`SET` with `GET`"}, /* getset */
    [65] = {.arguments = args_hdel, .argument_count = 2}, /* hdel */
    [66] = {.arguments = args_hello, .argument_count = 1}, /* hello */
    [67] = {.arguments = args_hexists, .argument_count = 2}, /* hexists */
    [68] = {.arguments = args_hexpire, .argument_count = 4}, /* hexpire */
    [69] = {.arguments = args_hexpireat, .argument_count = 4}, /* hexpireat */
    [70] = {.arguments = args_hexpiretime, .argument_count = 2}, /* hexpiretime */
    [71] = {.arguments = args_hexists, .argument_count = 2}, /* hget */
    [72] = {.arguments = args_decr, .argument_count = 1}, /* hgetall */
    [73] = {.arguments = args_hexpiretime, .argument_count = 2}, /* hgetdel */
    [74] = {.arguments = args_hgetex, .argument_count = 3}, /* hgetex */
    [75] = {.arguments = args_hincrby, .argument_count = 3}, /* hincrby */
    [76] = {.arguments = args_hincrbyfloat, .argument_count = 3}, /* hincrbyfloat */
    [77] = {.arguments = args_decr, .argument_count = 1}, /* hkeys */
    [78] = {.arguments = args_decr, .argument_count = 1}, /* hlen */
    [79] = {.arguments = args_hdel, .argument_count = 2}, /* hmget */
    [80] = {.arguments = args_hmset, .argument_count = 2, .deprecated_since = "4.0.0", .replaced_by = "`HSET` with multiple field-value pairs"}, /* hmset */
    [81] = {.arguments = args_hexpiretime, .argument_count = 2}, /* hpersist */
    [82] = {.arguments = args_hpexpire, .argument_count = 4}, /* hpexpire */
    [83] = {.arguments = args_hpexpireat, .argument_count = 4}, /* hpexpireat */
    [84] = {.arguments = args_hexpiretime, .argument_count = 2}, /* hpexpiretime */
    [85] = {.arguments = args_hexpiretime, .argument_count = 2}, /* hpttl */
    [86] = {.arguments = args_hrandfield, .argument_count = 2}, /* hrandfield */
    [87] = {.arguments = args_hscan, .argument_count = 5}, /* hscan */
    [88] = {.arguments = args_hmset, .argument_count = 2}, /* hset */
    [89] = {.arguments = args_hsetex, .argument_count = 4}, /* hsetex */
    [90] = {.arguments = args_hsetnx, .argument_count = 3}, /* hsetnx */
    [91] = {.arguments = args_hexists, .argument_count = 2}, /* hstrlen */
    [92] = {.arguments = args_hexpiretime, .argument_count = 2}, /* httl */
    [93] = {.arguments = args_decr, .argument_count = 1}, /* hvals */
    [94] = {.arguments = args_decr, .argument_count = 1}, /* incr */
    [95] = {.arguments = args_incrby, .argument_count = 2}, /* incrby */
    [96] = {.arguments = args_incrbyfloat, .argument_count = 2}, /* incrbyfloat */
    [97] = {.arguments = args_info, .argument_count = 1}, /* info */
    [98] = {.arguments = args_keys, .argument_count = 1}, /* keys */
    [102] = {.arguments = args_latency_graph, .argument_count = 1}, /* latency|graph */
    [104] = {.arguments = args_latency_histogram, .argument_count = 1}, /* latency|histogram */
    [105] = {.arguments = args_latency_graph, .argument_count = 1}, /* latency|history */
    [107] = {.arguments = args_latency_reset, .argument_count = 1}, /* latency|reset */
    [108] = {.arguments = args_lcs, .argument_count = 6}, /* lcs */
    [109] = {.arguments = args_lindex, .argument_count = 2}, /* lindex */
    [110] = {.arguments = args_linsert, .argument_count = 4}, /* linsert */
    [111] = {.arguments = args_decr, .argument_count = 1}, /* llen */
    [112] = {.arguments = args_lmove, .argument_count = 4}, /* lmove */
    [113] = {.arguments = args_lmpop, .argument_count = 4}, /* lmpop */
    [114] = {.arguments = args_lolwut, .argument_count = 1}, /* lolwut */
    [115] = {.arguments = args_lpop, .argument_count = 2}, /* lpop */
    [116] = {.arguments = args_lpos, .argument_count = 5}, /* lpos */
    [117] = {.arguments = args_lpush, .argument_count = 2}, /* lpush */
    [118] = {.arguments = args_lpush, .argument_count = 2}, /* lpushx */
    [119] = {.arguments = args_lrange, .argument_count = 3}, /* lrange */
    [120] = {.arguments = args_lrem, .argument_count = 3}, /* lrem */
    [121] = {.arguments = args_lset, .argument_count = 3}, /* lset */
    [122] = {.arguments = args_lrange, .argument_count = 3}, /* ltrim */
    [129] = {.arguments = args_memory_usage, .argument_count = 2}, /* memory|usage */
    [130] = {.arguments = args_del, .argument_count = 1}, /* mget */
    [132] = {.arguments = args_move, .argument_count = 2}, /* move */
    [133] = {.arguments = args_mset, .argument_count = 1}, /* mset */
    [134] = {.arguments = args_mset, .argument_count = 1}, /* msetnx */
    [137] = {.arguments = args_decr, .argument_count = 1}, /* object|encoding */
    [138] = {.arguments = args_decr, .argument_count = 1}, /* object|freq */
    [140] = {.arguments = args_decr, .argument_count = 1}, /* object|idletime */
    [141] = {.arguments = args_decr, .argument_count = 1}, /* object|refcount */
    [142] = {.arguments = args_decr, .argument_count = 1}, /* persist */
    [143] = {.arguments = args_pexpire, .argument_count = 3}, /* pexpire */
    [144] = {.arguments = args_pexpireat, .argument_count = 3}, /* pexpireat */
    [145] = {.arguments = args_decr, .argument_count = 1}, /* pexpiretime */
    [146] = {.arguments = args_ping, .argument_count = 1}, /* ping */
    [147] = {.arguments = args_psetex, .argument_count = 3}, /* psetex */
    [148] = {.arguments = args_psubscribe, .argument_count = 1}, /* psubscribe */
    [149] = {.arguments = args_decr, .argument_count = 1}, /* pttl */
    [150] = {.arguments = args_publish, .argument_count = 2}, /* publish */
    [152] = {.arguments = args_pubsub_channels, .argument_count = 1}, /* pubsub|channels */
    [155] = {.arguments = args_pubsub_numsub, .argument_count = 1}, /* pubsub|numsub */
    [156] = {.arguments = args_pubsub_channels, .argument_count = 1}, /* pubsub|shardchannels */
    [157] = {.arguments = args_pubsub_shardnumsub, .argument_count = 1}, /* pubsub|shardnumsub */
    [158] = {.arguments = args_punsubscribe, .argument_count = 1}, /* punsubscribe */
    [161] = {.arguments = args_rename, .argument_count = 2}, /* rename */
    [162] = {.arguments = args_rename, .argument_count = 2}, /* renamenx */
    [165] = {.arguments = args_lpop, .argument_count = 2}, /* rpop */
    [166] = {.arguments = args_rpoplpush, .argument_count = 2, .deprecated_since = "6.2.0", .replaced_by = "`LMOVE` with the `RIGHT` and `LEFT` arguments"}, /* rpoplpush */
    [167] = {.arguments = args_lpush, .argument_count = 2}, /* rpush */
    [168] = {.arguments = args_lpush, .argument_count = 2}, /* rpushx */
    [169] = {.arguments = args_sadd, .argument_count = 2}, /* sadd */
    [171] = {.arguments = args_scan, .argument_count = 4}, /* scan */
    [172] = {.arguments = args_decr, .argument_count = 1}, /* scard */
    [173] = {.arguments = args_del, .argument_count = 1}, /* sdiff */
    [174] = {.arguments = args_sdiffstore, .argument_count = 2}, /* sdiffstore */
    [175] = {.arguments = args_select, .argument_count = 1}, /* select */
    [176] = {.arguments = args_set, .argument_count = 5}, /* set */
    [177] = {.arguments = args_setex, .argument_count = 3}, /* setex */
    [178] = {.arguments = args_append, .argument_count = 2}, /* setnx */
    [179] = {.arguments = args_setrange, .argument_count = 3}, /* setrange */
    [180] = {.arguments = args_shutdown, .argument_count = 4}, /* shutdown */
    [181] = {.arguments = args_del, .argument_count = 1}, /* sinter */
    [182] = {.arguments = args_sintercard, .argument_count = 3}, /* sintercard */
    [183] = {.arguments = args_sdiffstore, .argument_count = 2}, /* sinterstore */
    [184] = {.arguments = args_sismember, .argument_count = 2}, /* sismember */
    [186] = {.arguments = args_slowlog_get, .argument_count = 1}, /* slowlog|get */
    [190] = {.arguments = args_decr, .argument_count = 1}, /* smembers */
    [191] = {.arguments = args_sadd, .argument_count = 2}, /* smismember */
    [192] = {.arguments = args_smove, .argument_count = 3}, /* smove */
    [193] = {.arguments = args_sort, .argument_count = 7}, /* sort */
    [194] = {.arguments = args_sort_ro, .argument_count = 6}, /* sort_ro */
    [195] = {.arguments = args_spop, .argument_count = 2}, /* spop */
    [196] = {.arguments = args_spublish, .argument_count = 2}, /* spublish */
    [197] = {.arguments = args_sql, .argument_count = 4}, /* sql */
    [198] = {.arguments = args_srandmember, .argument_count = 2}, /* srandmember */
    [199] = {.arguments = args_sadd, .argument_count = 2}, /* srem */
    [200] = {.arguments = args_sscan, .argument_count = 4}, /* sscan */
    [201] = {.arguments = args_ssubscribe, .argument_count = 1}, /* ssubscribe */
    [202] = {.arguments = args_decr, .argument_count = 1}, /* strlen */
    [203] = {.arguments = args_subscribe, .argument_count = 1}, /* subscribe */
    [204] = {.arguments = args_getrange, .argument_count = 3, .deprecated_since = "2.0.0", .replaced_by = "`GETRANGE`"}, /* substr */
    [205] = {.arguments = args_del, .argument_count = 1}, /* sunion */
    [206] = {.arguments = args_sdiffstore, .argument_count = 2}, /* sunionstore */
    [207] = {.arguments = args_pubsub_shardnumsub, .argument_count = 1}, /* sunsubscribe */
    [208] = {.arguments = args_swapdb, .argument_count = 2}, /* swapdb */
    [210] = {.arguments = args_del, .argument_count = 1}, /* touch */
    [211] = {.arguments = args_decr, .argument_count = 1}, /* ttl */
    [212] = {.arguments = args_decr, .argument_count = 1}, /* type */
    [213] = {.arguments = args_del, .argument_count = 1}, /* unlink */
    [214] = {.arguments = args_pubsub_numsub, .argument_count = 1}, /* unsubscribe */
    [216] = {.arguments = args_wait, .argument_count = 2}, /* wait */
    [217] = {.arguments = args_waitaof, .argument_count = 3}, /* waitaof */
    [218] = {.arguments = args_del, .argument_count = 1}, /* watch */
    [219] = {.arguments = args_zadd, .argument_count = 6}, /* zadd */
    [220] = {.arguments = args_decr, .argument_count = 1}, /* zcard */
    [221] = {.arguments = args_zcount, .argument_count = 3}, /* zcount */
    [222] = {.arguments = args_zdiff, .argument_count = 3}, /* zdiff */
    [223] = {.arguments = args_zdiffstore, .argument_count = 3}, /* zdiffstore */
    [224] = {.arguments = args_zincrby, .argument_count = 3}, /* zincrby */
    [225] = {.arguments = args_zinter, .argument_count = 5}, /* zinter */
    [226] = {.arguments = args_sintercard, .argument_count = 3}, /* zintercard */
    [227] = {.arguments = args_zinterstore, .argument_count = 5}, /* zinterstore */
    [228] = {.arguments = args_zlexcount, .argument_count = 3}, /* zlexcount */
    [229] = {.arguments = args_zmpop, .argument_count = 4}, /* zmpop */
    [230] = {.arguments = args_sadd, .argument_count = 2}, /* zmscore */
    [231] = {.arguments = args_zpopmax, .argument_count = 2}, /* zpopmax */
    [232] = {.arguments = args_zpopmax, .argument_count = 2}, /* zpopmin */
    [233] = {.arguments = args_zrandmember, .argument_count = 2}, /* zrandmember */
    [234] = {.arguments = args_zrange, .argument_count = 7}, /* zrange */
    [235] = {.arguments = args_zrangebylex, .argument_count = 4, .deprecated_since = "6.2.0", .replaced_by = "`ZRANGE` with `BYLEX`"}, /* zrangebylex */
    [236] = {.arguments = args_zrangebyscore, .argument_count = 5, .deprecated_since = "6.2.0", .replaced_by = "`ZRANGE` with `BYSCORE`"}, /* zrangebyscore */
    [237] = {.arguments = args_zrangestore, .argument_count = 7}, /* zrangestore */
    [238] = {.arguments = args_zrank, .argument_count = 3}, /* zrank */
    [239] = {.arguments = args_sadd, .argument_count = 2}, /* zrem */
    [240] = {.arguments = args_zlexcount, .argument_count = 3}, /* zremrangebylex */
    [241] = {.arguments = args_lrange, .argument_count = 3}, /* zremrangebyrank */
    [242] = {.arguments = args_zcount, .argument_count = 3}, /* zremrangebyscore */
    [243] = {.arguments = args_zrevrange, .argument_count = 4, .deprecated_since = "6.2.0", .replaced_by = "`ZRANGE` with `REV`"}, /* zrevrange */
    [244] = {.arguments = args_zrevrangebylex, .argument_count = 4, .deprecated_since = "6.2.0", .replaced_by = "`ZRANGE` with `REV` and `BYLEX`"}, /* zrevrangebylex */
    [245] = {.arguments = args_zrevrangebyscore, .argument_count = 5, .deprecated_since = "6.2.0", .replaced_by = "`ZRANGE` with `REV` and `BYSCORE`"}, /* zrevrangebyscore */
    [246] = {.arguments = args_zrank, .argument_count = 3}, /* zrevrank */
    [247] = {.arguments = args_sscan, .argument_count = 4}, /* zscan */
    [248] = {.arguments = args_sismember, .argument_count = 2}, /* zscore */
    [249] = {.arguments = args_zinter, .argument_count = 5}, /* zunion */
    [250] = {.arguments = args_zinterstore, .argument_count = 5}, /* zunionstore */
};
