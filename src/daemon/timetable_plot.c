/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The timetable as a picture: above, accounts that have moved; below, bytes a
 * second between the regions; phases in colours, when people are told as bars.
 */
#include <math.h>
#include <string.h>

#include "daemon/timetable.h"

enum {
	WIDTH = 960,
	LEFT = 90,
	RIGHT = 930,
	TOP = 92,
	PANEL = 190,
	GAP = 70,
	LABELS_X = 6,
	LABELS_Y = 4,
	LEGEND_STEP = 118,
};

static const char *const colors[] = {
    "#1f6f5c", "#c8622d", "#3b5ea8", "#8a5a9e", "#b08a1f", "#6b7a85"};

struct panel {
	double top, most; /* pixels; what stands at the top */
};

struct picture {
	struct dom_buffer *svg;
	const struct timetable *timetable;
	double from_s, to_s;
};

static const char *
color_of(size_t phase)
{
	return colors[phase % (sizeof(colors) / sizeof(colors[0]))];
}

static double
place_x(const struct picture *picture, double at_s)
{
	return LEFT + (RIGHT - LEFT) * (at_s - picture->from_s) /
	                  fmax(picture->to_s - picture->from_s, 1);
}

static double
place_y(const struct panel *panel, double value)
{
	return panel->top + PANEL * (1 - value / panel->most);
}

/* Names come from a file: they must not end the picture's text. */
static void
put_text(struct dom_buffer *svg, double x, double y, const char *attributes, const char *text)
{
	dom_buffer_print(svg, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
	for (; *text != '\0'; text++) {
		if (*text == '<' || *text == '>' || *text == '&')
			dom_buffer_print(svg, "&#%d;", *text);
		else
			dom_buffer_append(svg, text, 1);
	}
	dom_buffer_append_text(svg, "</text>\n");
}

/* 1, 2 or 5 times a power of ten, so that there are about so many steps. */
static double
tidy_step(double span, unsigned steps)
{
	double rough = fmax(span / steps, 1e-9), power = pow(10, floor(log10(rough)));

	if (rough <= power)
		return power;
	if (rough <= 2 * power)
		return 2 * power;
	return rough <= 5 * power ? 5 * power : 10 * power;
}

static void
put_axes(const struct picture *picture, const struct panel *panel, const char *title,
    void (*text_of)(double, char *))
{
	char text[TIMETABLE_TEXT_SIZE];

	put_text(picture->svg, LEFT, panel->top - 10, "font-weight=\"bold\"", title);
	for (unsigned i = 0; i <= LABELS_Y; i++) {
		double value = panel->most * i / LABELS_Y, y = place_y(panel, value);

		dom_buffer_print(picture->svg,
		    "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#ddd\"/>\n",
		    LEFT, y, RIGHT, y);
		text_of(value, text);
		put_text(
		    picture->svg, LEFT - 8, y + 4, "text-anchor=\"end\" fill=\"#555\"", text);
	}
}

static void
put_days(const struct picture *picture, double y)
{
	double days = (picture->to_s - picture->from_s) / 86400;
	double step = tidy_step(days, LABELS_X);
	char text[TIMETABLE_TEXT_SIZE];

	for (double day = 0; day <= days; day += step) {
		double at_s = picture->from_s + day * 86400, x = place_x(picture, at_s);

		dom_buffer_print(picture->svg,
		    "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
		    "stroke=\"#888\"/>\n",
		    x, y, x, y + 5);
		timetable_date_text(at_s, text);
		text[strcspn(text, " ")] = '\0';
		put_text(picture->svg, x, y + 18, "text-anchor=\"middle\" fill=\"#555\"", text);
	}
}

/* One closed shape for each phase, from its first point to the next one's. */
static void
put_accounts(const struct picture *picture, const struct panel *panel)
{
	const struct timetable *table = picture->timetable;
	size_t i = 0;

	while (i < table->point_count) {
		size_t phase = table->points[i].phase;
		double last, bottom = panel->top + PANEL;

		dom_buffer_print(picture->svg,
		    "<path fill=\"%s\" fill-opacity=\"0.85\" d=\"M%.1f %.1f", color_of(phase),
		    place_x(picture, table->points[i].at_s), bottom);
		for (; i < table->point_count && table->points[i].phase == phase; i++)
			dom_buffer_print(picture->svg, "L%.1f %.1f",
			    place_x(picture, table->points[i].at_s),
			    place_y(panel, table->points[i].accounts));
		last = place_x(
		    picture, i < table->point_count ? table->points[i].at_s : table->ends_s);
		dom_buffer_print(picture->svg, "L%.1f %.1fL%.1f %.1fZ\"/>\n", last,
		    place_y(panel, table->points[i - 1].accounts), last, bottom);
	}
}

static void
put_load(const struct picture *picture, const struct panel *panel)
{
	const struct timetable *table = picture->timetable;

	for (size_t i = 1; i < table->point_count; i++) {
		const struct timetable_point *point = &table->points[i];
		double from = place_x(picture, point[-1].at_s),
		       to = place_x(picture, point->at_s);
		double y = place_y(panel, point->bytes_per_s);

		if (point->bytes_per_s > 0)
			dom_buffer_print(picture->svg,
			    "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" "
			    "fill=\"%s\"/>\n",
			    from, y, fmax(to - from, 0.4), panel->top + PANEL - y,
			    color_of(point->phase));
	}
}

/* From when people are told to when their phase begins. */
static void
put_notices(const struct picture *picture, const struct panel *panel)
{
	for (size_t i = 0; i < picture->timetable->phase_count; i++) {
		const struct timetable_phase *phase = &picture->timetable->phases[i];
		double from = place_x(picture, phase->notice_s);

		dom_buffer_print(picture->svg,
		    "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"7\" fill=\"%s\" "
		    "fill-opacity=\"0.5\"><title>people are told</title></rect>\n",
		    from, panel->top + 2,
		    fmax(place_x(picture, phase->begins_s) - from, 0), color_of(i));
	}
}

static void
put_rate_text(double value, char *text_r)
{
	timetable_bytes_text(value, text_r);
	strncat(text_r, "/s", TIMETABLE_TEXT_SIZE - strlen(text_r) - 1);
}

static double
most_of(const struct timetable *table, bool of_load)
{
	double most = 0;

	for (size_t i = 0; i < table->point_count; i++)
		most = fmax(
		    most, of_load ? table->points[i].bytes_per_s : table->points[i].accounts);
	return most > 0 ? most : 1;
}

void
timetable_plot(struct dom_buffer *svg, const struct plan *plan,
    const struct timetable *timetable, double begins_s, const char *title)
{
	const struct picture picture = {
	    .svg = svg, .timetable = timetable, .from_s = begins_s, .to_s = timetable->ends_s};
	const struct panel accounts = {.top = TOP, .most = most_of(timetable, false)};
	const struct panel load = {.top = TOP + PANEL + GAP, .most = most_of(timetable, true)};

	dom_buffer_print(svg,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
	    "font-family=\"sans-serif\" font-size=\"12\">\n"
	    "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
	    WIDTH, TOP + 2 * PANEL + GAP + 40);
	put_text(svg, 20, 28, "font-size=\"18\" font-weight=\"bold\"", title);
	for (size_t i = 0; i < plan->count; i++) {
		double x = 20 + LEGEND_STEP * (double)i;

		dom_buffer_print(svg,
		    "<rect x=\"%.1f\" y=\"42\" width=\"12\" height=\"12\" fill=\"%s\"/>\n", x,
		    color_of(i));
		put_text(svg, x + 17, 53, "", plan->phases[i].name);
	}
	put_axes(&picture, &accounts, "Accounts that have moved (pale bars: people are told)",
	    timetable_count_text);
	put_accounts(&picture, &accounts);
	put_notices(&picture, &accounts);
	put_days(&picture, accounts.top + PANEL);
	put_axes(&picture, &load, "Between the regions", put_rate_text);
	put_load(&picture, &load);
	put_days(&picture, load.top + PANEL);
	dom_buffer_append_text(svg, "</svg>\n");
}
