#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <cairo.h>

#include "picture/draw.h"
#include "picture/plot.h"
#include "picture/words.h"

/* Write a picture as a file of one of the formats. */

static const double points_per_pixel = 0.75; /* PDF: 72 points an inch; CSS: 96 pixels an inch */

struct sink {
	struct output *out;
	struct err *e;
	bool skip_line; /* drop what comes up to the next line end */
	bool failed;
};

static cairo_status_t write_bytes(void *arg, const unsigned char *bytes, unsigned n)
{
	struct sink *sink = arg;
	unsigned from = 0;

	if (sink->skip_line) {
		const unsigned char *end = memchr(bytes, '\n', n);

		from = end ? (unsigned)(end - bytes) + 1 : n;
		sink->skip_line = !end;
	}
	if (!sink->failed && output_write(sink->out, bytes + from, n - from, sink->e))
		sink->failed = true;
	return sink->failed ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

/* --- the parts of an SVG: cairo's drawing stands within an element that has the texts, because
 * cairo draws texts as shapes --- */

static void describe_axis(
    char *to, size_t capacity, const char *name, const struct scale *s, const char *title)
{
	char lo[TICKS_LABEL], hi[TICKS_LABEL], words[TEXT_MAX];

	scale_label(s, s->lo, false, lo);
	scale_label(s, s->hi, false, hi);
	words_clean(words, sizeof words, title ? title : "");
	snprintf(to, capacity, "%s: %s%sfrom %s to %s%s.", name, words, *words ? ", " : "", lo, hi,
	    s->log ? ", logarithmic" : "");
}

/* Write the text of element, escaped. */
static int write_element(struct output *out, const char *element, const char *text, struct err *e)
{
	char clean[4 * TEXT_MAX], escaped[4 * TEXT_MAX];

	words_clean(clean, sizeof clean, text);
	text_escape(escaped, sizeof escaped, clean);
	return output_printf(out, e, "<%s>%s</%s>\n", element, escaped, element);
}

static int write_description(const struct plot *panel, size_t n, struct output *out, struct err *e)
{
	char text[4 * TEXT_MAX];
	size_t used;

	describe_axis(text, sizeof text, "Horizontal axis", &panel->x, panel->x_title);
	for (size_t k = 0; k < n; k++) {
		used = strlen(text);
		snprintf(text + used, sizeof text - used, " ");
		describe_axis(text + used + 1, sizeof text - used - 1, "Vertical axis", &panel[k].y,
		    panel[k].y_title);
	}
	used = strlen(text);
	for (size_t i = 0, drawn = 0; i < panel->n_series && used + 1 < sizeof text; i++)
		if (panel->series[i].label) {
			snprintf(text + used, sizeof text - used, "%s%.60s",
			    drawn++ ? "; " : " Series: ", panel->series[i].label);
			used = strlen(text);
		}
	return write_element(out, "desc", text, e);
}

static int begin_svg(const struct plot *panel, size_t n, struct output *out, struct err *e)
{
	char title[2 * TEXT_MAX];

	snprintf(title, sizeof title, "%.250s by %.250s", panel->y_title ? panel->y_title : "Plot",
	    panel->x_title ? panel->x_title : "row");
	return output_printf(out, e,
	           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	           "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" "
	           "viewBox=\"0 0 %g %g\" role=\"img\">\n",
	           panel->width, panel->height, panel->width, panel->height) ||
	       write_element(out, "title", panel->title ? panel->title : title, e) ||
	       write_description(panel, n, out, e);
}

static int end_svg(const struct texts *texts, struct output *out, struct err *e)
{
	return output_printf(out, e, "<g font-family=\"DejaVu Sans, Verdana, sans-serif\">\n") ||
	       output_write(out, texts->svg ? texts->svg : "", texts->n, e) ||
	       output_printf(out, e, "</g>\n</svg>\n");
}

/* --- surfaces --- */

static cairo_surface_t *create_svg(const struct plot *p, struct sink *sink)
{
	cairo_surface_t *s =
	    cairo_svg_surface_create_for_stream(write_bytes, sink, p->width, p->height);

	sink->skip_line = true; /* the XML declaration */
	if (cairo_surface_status(s) == CAIRO_STATUS_SUCCESS)
		cairo_svg_surface_set_document_unit(s, CAIRO_SVG_UNIT_PX);
	return s;
}

static cairo_surface_t *create_pdf(const struct plot *p, struct sink *sink)
{
	cairo_surface_t *s = cairo_pdf_surface_create_for_stream(
	    write_bytes, sink, p->width * points_per_pixel, p->height * points_per_pixel);
	char title[TEXT_MAX];

	words_clean(title, sizeof title, p->title ? p->title : "");
	if (cairo_surface_status(s) != CAIRO_STATUS_SUCCESS)
		return s;
	cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_TITLE, title);
	/* A fixed date, so that the same plot gives the same bytes. */
	cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z");
	return s;
}

static cairo_surface_t *create_surface(
    const struct plot *p, enum plot_format format, struct sink *sink)
{
	switch (format) {
	case PLOT_SVG:
		return create_svg(p, sink);
	case PLOT_PDF:
		return create_pdf(p, sink);
	default:
		return cairo_image_surface_create(
		    p->background == BACKGROUND_NONE ? CAIRO_FORMAT_ARGB32 : CAIRO_FORMAT_RGB24,
		    (int)p->width, (int)p->height);
	}
}

/* Make text look the same on every surface: grey antialiasing, no hinting. */
static cairo_t *create_context(cairo_surface_t *s, enum plot_format format)
{
	cairo_font_options_t *options = cairo_font_options_create();
	cairo_t *cr = cairo_create(s);

	cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
	cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
	cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
	cairo_set_font_options(cr, options);
	cairo_font_options_destroy(options);
	if (format == PLOT_PDF)
		cairo_scale(cr, points_per_pixel, points_per_pixel);
	return cr;
}

/* Draw the panels on a new surface, and end it. */
static int draw_surface(const struct plot *panel, size_t n, enum plot_format format,
    struct texts *texts, struct sink *sink)
{
	cairo_surface_t *s = create_surface(panel, format, sink);
	cairo_t *cr = create_context(s, format);
	int failed = draw_panels(cr, format == PLOT_SVG ? texts : NULL, panel, n, sink->e);
	cairo_status_t status = cairo_status(cr);

	cairo_destroy(cr);
	if (!failed && status == CAIRO_STATUS_SUCCESS && format == PLOT_PNG)
		status = cairo_surface_write_to_png_stream(s, write_bytes, sink);
	cairo_surface_finish(s);
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_status(s);
	cairo_surface_destroy(s);
	if (failed || sink->failed)
		return -1;
	if (texts->failed)
		status = CAIRO_STATUS_NO_MEMORY;
	if (status != CAIRO_STATUS_SUCCESS)
		return err_set(sink->e, "%s: cannot draw: %s", sink->out->name,
		    cairo_status_to_string(status));
	return 0;
}

int plot_write(
    const struct plot *panel, size_t n, enum plot_format format, struct output *out, struct err *e)
{
	struct sink sink = {.out = out, .e = e};
	struct texts texts = {0};
	bool svg = format == PLOT_SVG;
	int failed = (svg && begin_svg(panel, n, out, e)) ||
	             draw_surface(panel, n, format, &texts, &sink) ||
	             (svg && end_svg(&texts, out, e));

	free(texts.svg);
	return failed ? -1 : 0;
}
