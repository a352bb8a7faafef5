/* SPDX-License-Identifier: MIT */
/* Input: runs, left-over bytes, announced sizes, pausing, and one connection's share of a turn. */
#include "unit/net/fixture.h"

TestSuite(input, .timeout = 60);

static char *letters(size_t len) {
    char *bytes = rl_malloc(len + 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)('a' + i * 7 % 26);
    bytes[len] = 0;
    return bytes;
}

Test(input, a_line_may_come_byte_by_byte)
{
    fx f;
    fx_start_tcp(&f);
    int fd = fx_client(&f);
    const char *text = "byte by byte\n";
    for (size_t i = 0; text[i]; i++) {
        fx_session *s = fx_last(&f);
        int inputs = s->inputs;
        fx_send(&f, fd, text + i, 1);
        while (s->inputs == inputs)
            fx_run(&f);
        cr_assert_eq(rl_conn_input_pending(s->c), text[i + 1] ? i + 1 : 0);
    }
    fx_expect(&f, fd, text);
    cr_assert_eq(rl_conn_input_capacity(fx_last(&f)->c), 0);
    close(fd);
    fx_end(&f);
}

/* Sends `len` letters and a line end in pieces of `piece`, then a short line; both come back. */
static void round_trip(fx *f, int fd, size_t len, size_t piece) {
    char *line = letters(len + 1);
    char *got = rl_malloc(len + 1);
    line[len] = '\n';
    for (size_t sent = 0; sent <= len; sent += piece)
        fx_send(f, fd, line + sent, len + 1 - sent < piece ? len + 1 - sent : piece);
    fx_send_text(f, fd, "next\n");
    fx_receive(f, fd, got, len + 1);
    cr_assert_eq(memcmp(got, line, len + 1), 0);
    fx_expect(f, fd, "next\n");
    cr_assert_eq(rl_conn_input_pending(fx_last(f)->c), 0);
    cr_assert_eq(rl_conn_input_capacity(fx_last(f)->c), 0);
    rl_free(line);
    rl_free(got);
}

Test(input, lines_of_any_length_arrive_whole)
{
    static const size_t lens[] = {0, 1, 16383, 16384, 16385, 65535, 65536, 65537, 200000, 3000000};
    static const size_t pieces[] = {1000, 16384, 65536, 1 << 22};
    fx f;
    fx_start_tcp(&f);
    int fd = fx_client(&f);
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++)
            round_trip(&f, fd, lens[i], pieces[k]);
    close(fd);
    fx_end(&f);
}

/* Lines and large blocks mixed, so that what is left over takes every way through the buffers. */
Test(input, a_long_pipeline_of_mixed_sizes_keeps_its_order)
{
    fx f;
    fx_start_tcp(&f);
    int fd = fx_client(&f);
    size_t len = 8 << 20, at = 0, unit = 1;
    char *all = letters(len);
    while (at < len) {
        unit = (unit * 48271) % 2147483647;
        at += unit % 5 ? unit % 100 : unit % 11 ? unit % 9000 : unit % 300000;
        if (at < len)
            all[at++] = '\n';
    }
    all[len - 1] = '\n';
    char *got = rl_malloc(len);
    size_t sent = 0, received = 0;
    while (received < len) {
        ssize_t n = sent < len ? send(fd, all + sent, len - sent, MSG_NOSIGNAL) : 0;
        if (n > 0)
            sent += (size_t)n;
        fx_run(&f);
        n = recv(fd, got + received, len - received, 0);
        if (n > 0)
            received += (size_t)n;
    }
    cr_assert_eq(memcmp(got, all, len), 0);
    cr_assert_eq(rl_conn_input_capacity(fx_last(&f)->c), 0);
    rl_free(all);
    rl_free(got);
    close(fd);
    fx_end(&f);
}

/* ---- announced sizes: a request is eight hexadecimal digits and that many bytes ---- */

static size_t sized_input(fx_session *s, const char *bytes, size_t len) {
    size_t used = 0;
    while (len - used >= 8) {
        char digits[9] = {0};
        memcpy(digits, bytes + used, 8);
        size_t size = strtoul(digits, NULL, 16);
        if (len - used < 8 + size) {
            rl_conn_expect(s->c, 8 + size);
            break;
        }
        fx_answer(s, bytes + used + 8, size);
        used += 8 + size;
    }
    return used;
}

static void sized_round_trip(fx *f, int fd, size_t size) {
    char digits[17];
    char *body = letters(size), *got = rl_malloc(size + 1);
    snprintf(digits, sizeof digits, "%08zx", size);
    fx_send(f, fd, digits, 8);
    fx_send(f, fd, body, size);
    fx_send(f, fd, "00000002no", 10);
    fx_receive(f, fd, got, size);
    cr_assert_eq(memcmp(got, body, size), 0);
    fx_expect(f, fd, "no");
    cr_assert_eq(rl_conn_input_capacity(fx_last(f)->c), 0);
    rl_free(body);
    rl_free(got);
}

Test(input, announced_requests_of_any_size)
{
    static const size_t sizes[] = {0, 3, 16375, 16377, 70000, 1000000, 1048568, 1048569, 9000000};
    fx f;
    fx_start_tcp(&f);
    f.on_input = sized_input;
    int fd = fx_client(&f);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        sized_round_trip(&f, fd, sizes[i]);
    close(fd);
    fx_end(&f);
}

Test(input, an_announcement_alone_costs_little)
{
    fx f;
    fx_start_tcp(&f);
    f.on_input = sized_input;
    int fd = fx_client(&f);
    fx_session *s = fx_last(&f);
    fx_send_text(&f, fd, "20000000x"); /* 512 MiB, it says */
    while (rl_conn_input_pending(s->c) < 9)
        fx_run(&f);
    cr_assert_leq(rl_conn_input_capacity(s->c), 2u << 20);
    close(fd);
    fx_end(&f);
}

Test(input, an_announced_size_is_allocated_once)
{
    fx f;
    fx_start_tcp(&f);
    f.on_input = sized_input;
    int fd = fx_client(&f);
    fx_session *s = fx_last(&f);
    fx_send_text(&f, fd, "00080000x"); /* 512 KiB */
    while (rl_conn_input_pending(s->c) < 9)
        fx_run(&f);
    size_t capacity = rl_conn_input_capacity(s->c);
    cr_assert_geq(capacity, 0x80008);
    char *body = letters(0x7fff0);
    fx_send(&f, fd, body, 0x7fff0);
    while (rl_conn_input_pending(s->c) < 0x7fff9)
        fx_run(&f);
    cr_assert_eq(rl_conn_input_capacity(s->c), capacity);
    rl_free(body);
    close(fd);
    fx_end(&f);
}

/* ---- pausing ---- */

static void line_pause_at_stop(fx_session *s, rl_bytes line) {
    fx_echo(s, line);
    if (rl_bytes_is(line, "stop")) {
        rl_conn_pause(s->c);
        s->stopped = true;
    }
}

Test(input, a_paused_connection_gets_its_rest_when_resumed)
{
    fx f;
    fx_start_tcp(&f);
    f.on_line = line_pause_at_stop;
    int fd = fx_client(&f);
    fx_session *s = fx_last(&f);
    fx_send_text(&f, fd, "a\nstop\nb\nstop\nc\nd");
    fx_expect(&f, fd, "a\nstop\n");
    fx_expect_nothing(&f, fd);
    cr_assert_gt(rl_conn_input_pending(s->c), 0);
    fx_send_text(&f, fd, "d\n");
    fx_expect_nothing(&f, fd);
    rl_conn_resume(s->c);
    fx_expect(&f, fd, "b\nstop\n");
    fx_expect_nothing(&f, fd);
    rl_conn_pause(s->c); /* counted */
    rl_conn_resume(s->c);
    fx_expect_nothing(&f, fd);
    rl_conn_resume(s->c);
    fx_expect(&f, fd, "c\ndd\n");
    fx_send_text(&f, fd, "e\n");
    fx_expect(&f, fd, "e\n");
    cr_assert_eq(rl_conn_input_capacity(s->c), 0);
    close(fd);
    fx_end(&f);
}

Test(input, the_kernel_slows_down_who_writes_to_a_paused_connection)
{
    fx f;
    fx_start_tcp(&f);
    f.on_line = line_pause_at_stop;
    int fd = fx_client(&f);
    fx_session *s = fx_last(&f);
    fx_send_text(&f, fd, "stop\n");
    fx_expect(&f, fd, "stop\n");
    char *block = letters(1 << 16);
    size_t sent = 0;
    for (int quiet = 0; quiet < 50;) {
        ssize_t n = send(fd, block, 1 << 16, MSG_NOSIGNAL);
        if (n > 0)
            sent += (size_t)n;
        else
            quiet++;
        fx_run(&f);
        cr_assert_lt(sent, 256u << 20);
    }
    cr_assert_eq(rl_conn_bytes_in(s->c), 5);
    rl_conn_resume(s->c);
    fx_send_text(&f, fd, "\n");
    while (rl_conn_bytes_in(s->c) < 5 + sent + 1)
        fx_run(&f);
    rl_free(block);
    close(fd);
    fx_wait_closed(&f, 1);
    fx_end(&f);
}

Test(input, a_paused_connection_whose_peer_leaves_is_closed)
{
    fx f;
    fx_start_tcp(&f);
    f.on_line = line_pause_at_stop;
    int fd = fx_client(&f);
    fx_send_text(&f, fd, "stop\n");
    fx_expect(&f, fd, "stop\n");
    close(fd);
    fx_wait_closed(&f, 1);
    fx_end(&f);
}

static void turn_resume_all(fx *f) {
    for (int i = 0; i < f->opened; i++)
        if (f->sessions[i] && f->sessions[i]->stopped) {
            f->sessions[i]->stopped = false;
            rl_conn_resume(f->sessions[i]->c);
        }
}

/* Resumed in every on_turn: hundreds of pauses in one pipeline go through without new input. The
 * loop may block in poll, so each resume must make the next turn happen. */
Test(input, resuming_in_on_turn_goes_on_without_new_input)
{
    fx f;
    fx_start_tcp(&f);
    f.on_line = line_pause_at_stop;
    f.on_turn = turn_resume_all;
    int fd = fx_client(&f);
    char text[501 * 5 + 1] = {0};
    for (int i = 0; i < 500; i++)
        strcat(text, "stop\n");
    strcat(text, "end\n");
    cr_assert_eq(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
    while (rl_conn_bytes_out(fx_last(&f)->c) < strlen(text))
        uv_run(&f.loop, UV_RUN_ONCE);
    fx_expect(&f, fd, text);
    close(fd);
    fx_end(&f);
}

static void line_pause_and_close(fx_session *s, rl_bytes line) {
    fx_echo(s, line);
    rl_conn_pause(s->c);
    rl_conn_resume(s->c);
    fx_close(s, RL_CLOSE_NOW);
}

Test(input, pausing_resuming_and_closing_in_one_line)
{
    fx f;
    fx_start_tcp(&f);
    f.on_line = line_pause_and_close;
    int fd = fx_client(&f);
    fx_send_text(&f, fd, "a\nb\n");
    fx_expect_closed(&f, fd);
    fx_wait_closed(&f, 1);
    close(fd);
    fx_end(&f);
}

/* ---- shares ---- */

static uint64_t most_in_a_turn, seen;

static void turn_measure(fx *f) {
    if (f->sessions[0] == NULL)
        return;
    uint64_t now = rl_conn_bytes_in(f->sessions[0]->c);
    if (now - seen > most_in_a_turn)
        most_in_a_turn = now - seen;
    seen = now;
}

Test(input, a_long_pipeline_does_not_starve_others)
{
    fx f;
    fx_start_tcp(&f);
    int greedy = fx_client(&f), modest = fx_client(&f);
    int size = 4 << 20;
    setsockopt(greedy, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    f.on_turn = turn_measure;
    most_in_a_turn = 0;
    seen = rl_conn_bytes_in(f.sessions[0]->c);
    char *block = letters(1 << 20);
    for (size_t i = 99; i < 1 << 20; i += 100)
        block[i] = '\n';
    /* As much as the kernel holds is waiting when the loop runs next. */
    size_t sent = 0, whole = 0, received = 0; /* whole: up to the end of the last line */
    for (ssize_t n; sent < 8u << 20; sent += (size_t)n) {
        if ((n = send(greedy, block, 1 << 20, MSG_NOSIGNAL)) < 0)
            break;
        if (n >= 100)
            whole = sent + (size_t)n / 100 * 100;
    }
    cr_assert_gt(sent, 512u << 10);
    cr_assert_eq(send(modest, "me\n", 3, 0), 3);
    fx_expect(&f, modest, "me\n");
    cr_assert_lt(rl_conn_bytes_in(f.sessions[0]->c), sent);
    while (received < whole) {
        ssize_t n = recv(greedy, block, 1 << 20, 0);
        if (n > 0)
            received += (size_t)n;
        fx_run(&f);
    }
    cr_assert_leq(most_in_a_turn, 64u << 10);
    rl_free(block);
    close(greedy);
    close(modest);
    fx_end(&f);
}
