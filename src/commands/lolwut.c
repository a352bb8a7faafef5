/* SPDX-License-Identifier: MIT */
/* LOLWUT: a rubellite, seen from above, in a light that falls differently every time. */
#include <math.h>

#include "base/number.h"
#include "base/random.h"
#include "commands/handlers.h"
#include "commands/shared.h"
#include "rubellite_version.h"

#define COLUMNS_DEFAULT 46
#define COLUMNS_MAX     200
#define FACETS          8
#define PI              3.14159265358979323846

/* From dark to bright: a colour of the terminal's 256, and how much of the cell is inked. */
static const struct {
    const char *colour;
    char ink;
} shades[] = {{"52", '.'},  {"88", ':'},  {"124", '+'}, {"160", 'o'},
              {"196", 'x'}, {"197", '%'}, {"204", '#'}, {"217", '@'}};
#define SHADES ((int)(sizeof shades / sizeof *shades))

typedef struct light {
    double angle, sparkle[3 * FACETS];
} light;

static light light_of(rl_random *random) {
    light l = {.angle = 2 * PI * (double)rl_random_below(random, 360) / 360};
    for (int i = 0; i < 3 * FACETS; i++)
        l.sparkle[i] = (double)rl_random_below(random, 100) / 100;
    return l;
}

/* The distance from the middle, 1 on the outline: a regular octagon with a flat top. */
static double octagon_radius(double x, double y) {
    double sector = 2 * PI / FACETS, angle = atan2(y, x);
    double within = angle - sector * floor(angle / sector + 0.5);
    return hypot(x, y) * cos(within);
}

/* The shade at a point of [-1, 1] x [-1, 1]; -1 outside the stone. A flat table in the middle,
 * a ring of star facets around it, and a ring of main facets up to the girdle. */
static int shade_at(const light *l, double x, double y) {
    double radius = octagon_radius(x, y), sector = 2 * PI / FACETS;
    if (radius > 1)
        return -1;
    double bright;
    if (radius < 0.48) {
        bright = 0.62 + 0.33 * (x * cos(l->angle) + y * sin(l->angle));
    } else {
        int ring = radius < 0.72;
        double angle = atan2(y, x) + PI + (ring ? sector / 2 : 0);
        int facet = (int)floor(angle / sector) % FACETS;
        double facing = cos((facet + 0.5) * sector - PI - (ring ? sector / 2 : 0) - l->angle);
        bright = 0.38 + 0.34 * facing + 0.25 * l->sparkle[ring * FACETS + facet];
    }
    int shade = (int)(bright * SHADES);
    return shade < 0 ? 0 : shade >= SHADES ? SHADES - 1 : shade;
}

static void draw(rl_random *random, int columns, rl_buffer *out) {
    light l = light_of(random);
    int rows = columns / 2; /* a character is about twice as high as it is wide */
    for (int row = 0; row < rows; row++) {
        int last = -1;
        for (int column = 0; column < columns; column++) {
            int shade = shade_at(&l, (2 * column + 1.0) / columns - 1, 1 - (2 * row + 1.0) / rows);
            if (shade < 0) {
                if (last >= 0)
                    break; /* right of the stone */
                rl_buffer_add_char(out, ' ');
                continue;
            }
            if (shade != last)
                rl_buffer_printf(out, "\x1b[38;5;%sm", shades[shade].colour);
            rl_buffer_add_char(out, shades[shade].ink);
            last = shade;
        }
        rl_buffer_add_text(out, last >= 0 ? "\x1b[0m\n" : "\n");
    }
}

/* LOLWUT [VERSION <version> [<columns> ...]]: every version is this one. */
void rl_cmd_lolwut(rl_ctx *c) {
    int64_t columns = COLUMNS_DEFAULT, number;
    rl_buffer text = {0};
    if (c->argc > 2 && rl_bytes_is(c->argv[1], "VERSION")) {
        for (int i = 2; i < c->argc; i++) {
            if (!rl_ctx_int(c, i, &number, NULL))
                return;
            if (i == 3)
                columns = number < 8 ? 8 : number > COLUMNS_MAX ? COLUMNS_MAX : number;
        }
    }
    draw(rl_keyspace_randomness(c->keys), (int)columns, &text);
    rl_buffer_add_text(&text,
                       "\nA rubellite, in today's light. Rubellite ver. " RUBELLITE_VERSION "\n");
    rl_reply_verbatim(c->reply, "txt", rl_buffer_bytes(&text));
    rl_buffer_release(&text);
}
