/* SPDX-License-Identifier: MIT */
/* Sizes, times and JSON as they are shown. */
#include "admin/output.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <string.h>

Test(output, numbers_for_people)
{
    char out[32];
    cr_assert_str_eq(admin_bytes_text(out, 0), "0 bytes");
    cr_assert_str_eq(admin_bytes_text(out, 1023), "1023 bytes");
    cr_assert_str_eq(admin_bytes_text(out, 1536), "1.5 KB");
    cr_assert_str_eq(admin_bytes_text(out, 64u << 20), "64 MB");
    cr_assert_str_eq(admin_bytes_text(out, UINT64_MAX), "16384 PB");
    cr_assert_str_eq(admin_count_text(out, 0), "0");
    cr_assert_str_eq(admin_count_text(out, 999), "999");
    cr_assert_str_eq(admin_count_text(out, 1000), "1,000");
    cr_assert_str_eq(admin_count_text(out, 1234567), "1,234,567");
    cr_assert_str_eq(admin_count_text(out, UINT64_MAX), "18,446,744,073,709,551,615");
    cr_assert_str_eq(admin_age_text(out, -5), "0 seconds");
    cr_assert_str_eq(admin_age_text(out, 1000), "1 second");
    cr_assert_str_eq(admin_age_text(out, 119999), "119 seconds");
    cr_assert_str_eq(admin_age_text(out, 120000), "2 minutes");
    cr_assert_str_eq(admin_age_text(out, 47LL * 3600 * 1000), "47 hours");
    cr_assert_str_eq(admin_age_text(out, 48LL * 3600 * 1000), "2 days");
    cr_assert_str_eq(admin_time_text(out, 1795275900123), "2026-11-21 15:45:00Z");
}

Test(output, json_is_escaped_and_separated, .init = cr_redirect_stdout)
{
    admin_json j = {0};
    admin_json_open(&j, NULL, '{');
    admin_json_text(&j, "a\"b", "line\n\\ \x01 \xc3\xa9 \xff\xc3");
    admin_json_text(&j, "none", NULL);
    admin_json_open(&j, "list", '[');
    admin_json_int(&j, NULL, -5);
    admin_json_uint(&j, NULL, UINT64_MAX);
    admin_json_bool(&j, NULL, true);
    admin_json_open(&j, NULL, '{');
    admin_json_close(&j, '}');
    admin_json_null(&j, NULL);
    admin_json_close(&j, ']');
    admin_json_open(&j, "empty", '[');
    admin_json_close(&j, ']');
    admin_json_close(&j, '}');
    admin_json_print(&j);
    fflush(stdout);
    cr_assert_stdout_eq_str("{\"a\\\"b\":\"line\\u000a\\\\ \\u0001 \xc3\xa9 \\ufffd\\ufffd\","
                            "\"none\":null,\"list\":[-5,18446744073709551615,true,{},null],"
                            "\"empty\":[]}\n");
}
